// Package workload runs the replicas of Deployments as supervised processes, as the deployment controller and the kubelet run pods: rolling
// updates, probes, restarts with back-off, and graceful termination. It reports to the mesh which pods exist and which are ready.
//
// The files in reading order:
//   - workload.go: Supervisor. Apply starts the change to the Deployments of an overlay, settle starts and stops pods, Close stops all.
//   - deployment.go decodes a Deployment into a spec and checks its program, ports and probes; environment.go computes its environment.
//   - programs.go finds the program of an image; standin.go makes the Deployment that plays one of anybody's.
//   - rollout.go computes the next step of a rolling update; name.go makes template hashes and pod names.
//   - pod.go runs one pod: it starts the process, probes it, restarts it and ends it; backoff.go computes the delay before a restart.
//   - probe.go sends probes over HTTP and counts the results against the thresholds; ports.go reserves ports on this machine.
//   - process.go starts one process and waits for its end; signal_unix.go sends signals.
//   - killonexit_*.go and guard.go ensure that no process outlives this one, even if it is killed.
//   - output.go keeps the last lines of every pod; level.go finds their levels; follow.go selects lines and passes new ones on; status.go holds the types that Status and Deployments return.
package workload
