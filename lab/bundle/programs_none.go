//go:build !release

package bundle

// A build that is no release carries no programs. With the tag release these come from programs_GOOS_GOARCH.go, which .ci/programs writes.
var (
	programs    []byte
	programsSum string
)
