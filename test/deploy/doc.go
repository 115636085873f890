// Package deploy holds the tests of what stands in deploy/: that every overlay renders, says what it means to say, and is understood by
// Kubernetes and Istio. No cluster is needed. It stays out of go.work for the sake of its dependencies: run it as
//
//	GOWORK=off go test -count=1 ./...
//
// since go's cache of test results does not see changes of files beyond the module.
package deploy
