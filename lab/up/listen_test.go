package up

import (
	"net"
	"strings"
	"testing"
)

func TestOpenOpensAllOrNone(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	listeners, err := open("127.0.0.1", []listenPort{{"the first", 0, ""}, {"the second", port, "--second-port takes another"}, {"the third", port, "--third-port takes another"}})
	if err == nil || listeners != nil {
		t.Fatalf("opened %v, error %v", listeners, err)
	}
	for _, want := range []string{"for the second: already in use by another program; --second-port takes another", "--third-port"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v: does not say %q", err, want)
		}
	}
	if _, err := open("192.0.2.1", []listenPort{{"the console", 0, "--console-port takes another"}}); err == nil || !strings.Contains(err.Error(), "192.0.2.1") {
		t.Errorf("an address of another machine: %v", err)
	}
	if listeners, err = open("127.0.0.1", []listenPort{{"one", 0, ""}, {"two", 0, ""}}); err != nil || len(listeners) != 2 {
		t.Fatalf("opened %v, error %v", listeners, err)
	}
	for _, l := range listeners {
		_ = l.Close()
	}
}

func TestAHostThatIsNotThisMachineIsNamedOnce(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"192.0.2.1", "no such host"} {
		_, err := openListeners(Options{Host: host})
		if err == nil || !strings.HasPrefix(err.Error(), "--listen "+host+": want an address of this machine: ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestLocalURLIsWhatABrowserOnThisMachineCanUse(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{"127.0.0.1": "http://localhost:", "0.0.0.0": "http://localhost:", "::": "http://localhost:"} {
		l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			t.Logf("%s: %v", host, err) // a machine without IPv6
			continue
		}
		if got := localURL(host, l); !strings.HasPrefix(got, want) {
			t.Errorf("listening on %s: %s, want %s…", host, got, want)
		}
		_ = l.Close()
	}
}
