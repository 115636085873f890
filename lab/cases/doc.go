// Package cases implements `hopline test`: cases in YAML files beside the rules. Each case is a request with what is expected to happen to it.
//
// The files in reading order:
//   - case.go: Case and Expect; decode.go reads a file of cases, expand.go its groups and tables, validator.go the format of
//     istio-config-validator.
//   - check.go compares an answer with what is expected; run.go runs all cases of some files, each with the rules that it names.
//   - command.go is the command line; report.go, junit.go and annotate.go print results, coverage.go the rules that no case covers, and
//     write.go writes a file of cases with the current results.
package cases
