// Package traffic counts the requests of the mesh from the proxy's access records, in bounded memory.
//
// The files in reading order: traffic.go (Traffic, which gets every record), kind.go (which records are counted together), flows.go
// (totals by rule and responder), edges.go (who calls whom, over the last seconds), calls.go (the last requests one by one),
// series.go (figures over the last 15 minutes) and marks.go (what happened meanwhile).
package traffic
