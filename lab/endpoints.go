package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
	"github.com/hopline/hopline/lab/up"
	"github.com/hopline/hopline/lab/workload"
)

// endpoints finds what stands behind a cluster: the pods of the lab if it runs the overlay, else the Deployments that the overlay asks for.
// note is the line that says which.
func (c *explainCommand) endpoints(ctx context.Context, o *overlay.Overlay) (lookup func(*mesh.Cluster) []string, note string) {
	running, err := askLab(ctx, c.ConsolePort)
	if err != nil || running.Overlay != o.Dir {
		return func(cluster *mesh.Cluster) []string { return deploymentsBehind(o, cluster) }, "endpoints as the overlay asks for: the lab does not run it\n"
	}
	return func(cluster *mesh.Cluster) []string { return podsBehind(running.Pods, cluster) }, "endpoints of the lab that runs it\n"
}

// askLab asks a running lab for its pods.
func askLab(ctx context.Context, consolePort int) (running up.Running, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	url := "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(consolePort)) + "/pods"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return running, err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // and no proxy: it is this machine
	response, err := client.Do(request)
	if err != nil {
		return running, err
	}
	defer response.Body.Close()
	return running, json.NewDecoder(io.LimitReader(response.Body, 4<<20)).Decode(&running)
}

// deploymentsBehind are the Deployments whose pods a cluster selects.
func deploymentsBehind(o *overlay.Overlay, c *mesh.Cluster) []string {
	var lines []string
	for _, d := range o.Deployments {
		if !c.SelectsDeployment(&d) {
			continue
		}
		replicas := fmt.Sprintf("%d replicas", d.Replicas)
		if d.Replicas == 1 {
			replicas = "1 replica"
		}
		lines = append(lines, d.Name+", "+replicas)
	}
	return orNone(lines)
}

// podsBehind are the running pods that a cluster selects, with their addresses.
func podsBehind(pods []workload.Status, c *mesh.Cluster) []string {
	var lines []string
	for _, p := range pods {
		if !c.Selects(p.Namespace, p.Labels) {
			continue
		}
		port := c.Target
		if c.TargetName != "" {
			port = p.Names[c.TargetName]
		}
		lines = append(lines, fmt.Sprintf("%s %s %s", p.Name, p.Ports[port], p.State))
	}
	return orNone(lines)
}

func orNone(lines []string) []string {
	if len(lines) == 0 {
		return []string{"no endpoints: 503"}
	}
	return lines
}
