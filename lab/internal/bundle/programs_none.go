//go:build !release

package bundle

// A build that is not a release contains no programs. With the build tag release, these variables are in programs_GOOS_GOARCH.go, which
// .ci/programs writes.
var (
	programs    []byte
	programsSum string
)
