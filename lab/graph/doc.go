// Package graph computes who may call whom in an overlay, and the layer of each service between the ingress and the last upstream. The
// result is a function of the overlay only, never of traffic, so that a picture of it stays the same.
//
// The files in reading order: graph.go (the graph, its nodes), links.go (the calls that the overlay configures), layers.go.
package graph
