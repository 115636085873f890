// Package lint is `hopline lint`: faults in rules that can be proved without a request. docs/lint.md explains each code.
//
// A finding holds for every request and every caller that can exist beside the files. What the files do not have whole, such as the
// workloads of another namespace, is not claimed to be absent: rules.Rules decides which parts the files have whole.
//
// The files in reading order:
//   - lint.go: Finding, and the list of codes; ignore.go silences findings.
//   - One file for each kind of fault: unreached.go, hosts.go, workloads.go, subsets.go, weights.go, retries.go, timeouts.go, selectors.go.
//   - destinations.go lists the destinations of rules; command.go is the command line, report.go prints findings.
package lint
