package workload

import (
	"fmt"
	"slices"
)

// Kill kills the processes of a pod immediately, as kill -9 does. The pod restarts them as after any crash: the first time immediately, then
// with the kubelet's delays.
func (s *Supervisor) Kill(pod string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.find(pod)
	if err != nil {
		return err
	}
	killed := false
	for _, c := range slices.Concat(p.init, p.containers) {
		if c.process != nil {
			c.process.Kill()
			killed = true
		}
	}
	if !killed {
		return fmt.Errorf("pod %s: want one with a process, got one in state %s", pod, p.status(nil).State)
	}
	return nil
}

// Drain stops a pod within its grace period, as kubectl delete pod does. It gets no new requests, and its Deployment starts another pod.
func (s *Supervisor) Drain(pod string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.find(pod)
	if err != nil {
		return err
	}
	if p.stopping {
		return fmt.Errorf("pod %s: it is already being stopped", pod)
	}
	s.settle(p)
	return nil
}

// Replace stops all pods and returns their names. Their Deployments start others. Unlike Drain, it skips preStop and cuts a drain short: requests
// in flight may fail.
func (s *Supervisor) Replace() (pods []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var running []*pod
	for _, d := range s.deployments {
		for _, p := range d.pods {
			pods = append(pods, p.name)
			if !p.hastened {
				p.hastened = true
				close(p.hasten)
			}
			if !p.stopping {
				running = append(running, p)
			}
		}
	}
	s.settle(running...)
	return pods
}

// find returns the pod of a name. The caller holds mu.
func (s *Supervisor) find(name string) (*pod, error) {
	for _, d := range s.deployments {
		for _, p := range d.pods {
			if p.name == name {
				return p, nil
			}
		}
	}
	return nil, fmt.Errorf("pod %s: there is no such pod", name)
}
