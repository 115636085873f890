// Package kubectl reads the objects of a cluster by kubectl. It changes nothing there.
package kubectl

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
)

// needed lists the resources that a cluster with Istio has, as kubectl names them.
var needed = []string{"namespaces", "services", "pods", "deployments.apps", "statefulsets.apps", "daemonsets.apps", "replicasets.apps",
	"replicationcontrollers", "jobs.batch", "ingresses.networking.k8s.io",
	"virtualservices.networking.istio.io", "destinationrules.networking.istio.io", "gateways.networking.istio.io", "serviceentries.networking.istio.io",
	"workloadentries.networking.istio.io", "sidecars.networking.istio.io", "envoyfilters.networking.istio.io",
	"authorizationpolicies.security.istio.io", "requestauthentications.security.istio.io", "wasmplugins.extensions.istio.io"}

// optional lists the resources that other installations add.
var optional = []string{"gateways.gateway.networking.k8s.io", "httproutes.gateway.networking.k8s.io", "referencegrants.gateway.networking.k8s.io",
	"grpcroutes.gateway.networking.k8s.io", "rollouts.argoproj.io"}

// requestTimeout bounds each request of kubectl to the API server.
const requestTimeout = "30s"

// Objects returns all objects on which routing depends, in the cluster that a context of kubectl names, as a List in JSON. They have their
// creation times.
func Objects(ctx context.Context, name string) ([]byte, error) {
	found, err := resources(ctx, name)
	if err != nil {
		return nil, err
	}
	var missing []string
	for _, resource := range needed {
		if !slices.Contains(found, resource) {
			missing = append(missing, resource)
		}
	}
	if missing != nil {
		return nil, fmt.Errorf("context %s: the cluster has no %s: want one with Istio", name, strings.Join(missing, ", "))
	}
	wanted := slices.Clone(needed)
	for _, resource := range optional {
		if slices.Contains(found, resource) {
			wanted = append(wanted, resource)
		}
	}
	return run(ctx, name, "get", strings.Join(wanted, ","), "--all-namespaces", "--output=json")
}

// resources lists the resources of the cluster that can be listed.
func resources(ctx context.Context, name string) ([]string, error) {
	out, err := run(ctx, name, "api-resources", "--verbs=list", "--output=name")
	if err != nil {
		return nil, err
	}
	return strings.Fields(string(out)), nil
}

// run runs kubectl and returns its output. The error has what kubectl prints about it.
func run(ctx context.Context, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "kubectl", append([]string{"--context=" + name, "--request-timeout=" + requestTimeout}, args...)...)
	var out, problem bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problem
	err := cmd.Run()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return nil, fmt.Errorf("context %s: want kubectl in PATH: %w", name, err)
	case err != nil && problem.Len() > 0:
		return nil, fmt.Errorf("context %s: kubectl %s: %s", name, args[0], strings.TrimSpace(problem.String()))
	case err != nil:
		return nil, fmt.Errorf("context %s: kubectl %s: %w", name, args[0], err)
	}
	return out.Bytes(), nil
}
