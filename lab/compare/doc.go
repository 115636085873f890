// Package compare finds the requests that two sets of rules treat differently: before and after an edit, or in two directories.
//
// Of describes what one table does with one request, as an Effect; Effect.Differences compares two of them. Calls compares requests that
// were seen. Tables compares all requests that callers of an overlay can send. It does not draw samples: it derives, from the conditions
// that appear in both tables, one request for each combination that the tables can distinguish, and compares those. So it misses no
// difference, within the bounds that are documented there, and Result.Limits names each bound that was reached.
//
// A difference is what a caller or a workload would notice: another destination or share, another status by the mesh, another path,
// authority or header, a fault, timeouts, retries, mirrors, or another policy of the destination. Another rule with the same effect is not
// a difference. Shares are computed from the weights (mesh.Table.Shares), not drawn.
//
// Files: effect.go (what happens to one request), caller.go (who sends requests), group.go (equal differences together), calls.go, tables.go
// (the two comparisons), report.go (a comparison as text), requests.go (the combinations of conditions). Package textclass finds
// the texts that a list of patterns distinguishes.
package compare
