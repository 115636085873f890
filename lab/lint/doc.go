// Package lint implements `hopline lint`: it finds faults in rules that can be proved without a request. docs/lint.md explains each code.
//
// A finding holds for every request and every caller that can exist beside the files. No finding claims that an object is absent unless the
// files have all objects of its kind there: rules.Rules decides for which namespaces that is so.
//
// The files in reading order:
//   - lint.go: Finding, and the list of codes; ignore.go silences findings.
//   - One file for each kind of fault: unreached.go, hosts.go, workloads.go, subsets.go, weights.go, retries.go, timeouts.go, selectors.go.
//   - destinations.go lists the destinations of rules; command.go is the command line, report.go prints findings.
package lint
