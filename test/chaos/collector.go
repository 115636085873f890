//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// collector is a further lab without workloads. It serves only as a collector that can be killed and stopped.
type collector struct {
	url     string // base
	port    int
	bin     string
	overlay string
	command *exec.Cmd
}

// startCollector runs a collector on its own overlay in dir.
func startCollector(ctx context.Context, o options, dir string) (*collector, error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	for name, text := range map[string]string{
		"kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [namespace.yaml]\n",
		"namespace.yaml":     "apiVersion: v1\nkind: Namespace\nmetadata: {name: hopline}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	ports, err := freePorts(1)
	if err != nil {
		return nil, err
	}
	c := &collector{url: fmt.Sprintf("http://127.0.0.1:%d", ports[0]), port: ports[0], bin: filepath.Join(o.root, "bin"), overlay: dir}
	return c, c.start(ctx)
}

// start runs the process and waits until it responds.
func (c *collector) start(ctx context.Context) error {
	c.command = exec.Command(filepath.Join(c.bin, "hopline"), "up", c.overlay, "--bin", c.bin, "--build", "never",
		"--zipkin-port", strconv.Itoa(c.port), "--ingress-port", "0", "--console-port", "0", "--otlp-port", "0")
	if err := c.command.Start(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		_, err := c.services(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("the collector does not respond: %w", err)
		}
		pause(ctx, pollTime)
	}
}

// services returns the services whose spans the collector has, as JSON.
func (c *collector) services(ctx context.Context) ([]byte, error) {
	return get(ctx, c.url+"/api/v2/services")
}

// kill ends the process and loses all of its data.
func (c *collector) kill() error {
	if c.command == nil {
		return nil
	}
	err := c.command.Process.Kill()
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	_ = c.command.Wait() // it was killed
	c.command = nil
	return err
}

func (c *collector) stop() error { return c.kill() }

// breakCollector kills the collector, starts it again, and makes it hang, in turn. The collector must receive spans of services and proxy
// both between and after.
func breakCollector(ctx context.Context, t *trial) (done injected, err error) {
	c := t.lab.collector
	const turn = 1500 * time.Millisecond
	for end := time.Now().Add(t.time); time.Now().Before(end) && ctx.Err() == nil; {
		if err := c.kill(); err != nil {
			return done, err
		}
		pause(ctx, turn)
		if err := c.start(ctx); err != nil {
			return done, err
		}
		if err := c.hears(ctx); err != nil {
			return done, err
		}
		if err := c.command.Process.Signal(syscall.SIGSTOP); err != nil {
			return done, err
		}
		pause(ctx, turn)
		if err := c.command.Process.Signal(syscall.SIGCONT); err != nil {
			return done, err
		}
		done.times++
	}
	return done, nil
}

// hears waits until spans arrive.
func (c *collector) hears(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		names, err := c.services(ctx)
		if err == nil && bytes.Contains(names, []byte(`"core"`)) && bytes.Contains(names, []byte(`"istio-ingressgateway"`)) {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("no spans have arrived at the collector since its restart: %s, %w", names, err)
		}
		pause(ctx, pollTime)
	}
}
