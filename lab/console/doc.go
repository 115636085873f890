// Package console is the lab's page: it shows what runs, the shares that the rules configure beside the observed traffic, and traces with their
// logs.
//
// The files in reading order: source.go (the data that the console reads), console.go (the handlers and the loop that reads the state), errors.go (what an error looks like),
// state.go (the state of the lab), conditions.go (the status of objects of the Gateway API), rules.go, rulewords.go and failurewords.go (the rules as text, with their traffic), graph.go, wilson.go and
// edge.go (who calls whom), rates.go (requests per second), events.go and stream.go (changes to open pages, as Server-Sent Events), search.go, trace.go and logline.go
// (traces and their logs), logs.go (the output of all processes), series.go (figures over time), load.go (load from the lab), lessons.go (the lessons), page.go (the
// document).
package console
