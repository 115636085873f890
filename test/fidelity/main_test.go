// Package fidelity checks the lab's promise: it interprets Istio's objects as Istio does. Both engines get the same objects, the same echo
// servers behind them and the same requests in the same order. The outcomes are compared: the response, and every request as the upstreams
// received it. Istio is the real one: its own discovery server and stock Envoys.
//
//	make fidelity                     # 10,000 pairs of rules and request, every shipped overlay, the corner cases
//	make fidelity ARGS='-seed 7'      # the pairs of another seed
//
// ENVOY is the path of Envoy's binary. The tests run in their own network namespace, so that Service ports are free.
package fidelity

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

var (
	pairs       = flag.Int("pairs", 2000, "generated pairs of rules and request")
	seed        = flag.Uint64("seed", 1, "seed of the generator")
	envoyBinary = flag.String("envoy", os.Getenv("ENVOY"), "Envoy's binary")
)

// alone marks the process in its own network namespace.
const alone = "HOPLINE_FIDELITY_ALONE"

func TestMain(m *testing.M) {
	flag.Parse()
	if *envoyBinary == "" {
		fmt.Println("fidelity: no Envoy to compare with: ENVOY=path names one; make fidelity fetches it")
		os.Exit(2)
	}
	if os.Getenv(alone) == "" {
		os.Exit(inNamespace())
	}
	if err := raiseLoopback(); err != nil {
		fmt.Println("fidelity: no loopback in the network namespace:", err)
		os.Exit(2)
	}
	os.Exit(m.Run())
}

// inNamespace runs this test again in a new network namespace, and in a new user namespace if the first requires it.
func inNamespace() int {
	c := exec.Command(os.Args[0], os.Args[1:]...)
	c.Env = append(os.Environ(), alone+"=1",
		"PILOT_ENABLE_ALPN_FILTER=false", "PILOT_ENABLE_METADATA_EXCHANGE=false") // filters that stock Envoy does not have
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if os.Getuid() != 0 {
		c.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	if err := c.Run(); err != nil {
		if c.ProcessState == nil {
			fmt.Println("fidelity: no network namespace can be created:", err)
			return 2
		}
		return c.ProcessState.ExitCode()
	}
	return 0
}

// raiseLoopback brings the interface lo up, as in netdevice(7).
func raiseLoopback() error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	r, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	_, _, number := unix.Syscall(unix.SYS_IOCTL, uintptr(s), unix.SIOCSIFFLAGS, uintptr(unsafe.Pointer(r)))
	if number != 0 {
		return number
	}
	return nil
}
