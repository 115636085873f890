// Package rules computes what the rules in any files do with a request, or why that is not certain.
//
// overlay.Read reads the files leniently. The files here, in reading order:
//   - open.go opens files, git revisions and clusters by their names; rules.go reads and compiles them; prune.go removes what the mesh does not support, and records each part as a gap.
//   - ask.go answers a question; source.go finds its caller, request.go its request.
//   - refuse.go finds the gaps, and foreign.go the objects of other kinds, that may change the answer: then the result is an error that
//     names them.
//   - known.go reports which namespaces the files have completely, for claims that something does not exist.
package rules
