// Package deploy holds the tests of deploy/: every overlay renders, has the intended content, and is valid for Kubernetes and Istio. No
// cluster is needed. The module is not in go.work because of its dependencies: run it as
//
//	GOWORK=off go test -count=1 ./...
//
// because go's cache of test results does not see changes of files outside the module.
package deploy
