package workload

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"testing"

	"github.com/hopline/hopline/lab/internal/await"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
)

// lab is a program that supervises one process and prints the address on which it listens.
func lab() int {
	s, err := New(Options{
		Programs: Programs{Bin: os.Getenv("TEST_BIN")}, Host: "127.0.0.1",
		Proxy: func(*mesh.Pod) string { return "" },
		Pods: func(pods []mesh.Pod) {
			for _, p := range pods {
				if p.Ready {
					fmt.Println(p.Ports[8080])
				}
			}
		},
	})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	if err := s.Apply(&overlay.Overlay{Deployments: []overlay.Deployment{server("front", 1)}}); err != nil {
		fmt.Println(err)
		return 1
	}
	select {}
}

func TestNothingOutlivesAKilledLab(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "TEST_PROGRAM=lab", "TEST_BIN="+programs(t))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, _, err := bufio.NewReader(out).ReadLine()
	if err != nil {
		t.Fatal(err)
	}
	address := string(line)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	await.That(t, "no process listens", func() bool {
		connection, err := net.Dial("tcp", address)
		if err == nil {
			_ = connection.Close()
		}
		return err != nil
	})
}
