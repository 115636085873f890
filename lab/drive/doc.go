// Package drive changes a running lab for a while: temporary changes on top of its overlay. Each is listed, is undone in one step, and
// survives a save of the overlay's files. The files change only when the user keeps a change.
//
// The files in reading order:
//   - change.go: what a change is, and which fields of which objects it sets.
//   - httproute.go: the same for the rules of HTTPRoutes.
//   - drive.go: the list of changes: Do, Undo, and Reload after a save.
//   - resolve.go: finds the rule, workload, pod or overlay that a request names.
//   - faults.go: faults of the services, set through their admin ports.
//   - words.go: a change as text.
//   - patch.go: a change as a kustomize patch. keep.go: a change as an edit of the overlay's files.
//   - switch.go: another overlay.
//   - api.go and look.go: the changes, and what they can change, over HTTP.
//   - command.go: `hopline drive`.
package drive
