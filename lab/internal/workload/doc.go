// Package workload runs the replicas of Deployments as supervised processes, as the deployment controller and the kubelet run pods: rolling
// updates, probes, restarts with back-off, and graceful termination. It reports to the mesh which pods exist and which are ready.
//
// The files in reading order:
//   - workload.go: Supervisor. Apply starts the change to the Deployments of an overlay, settle starts and stops pods, Close stops all.
//   - deployment.go decodes a Deployment into a spec, and containerspec.go each container: its program, ports and probes.
//   - programs.go finds the program of an image, given.go those of --program; standin.go creates the stand-ins of pods and containers.
//   - settings.go computes what a process is started with: environment.go its variables, localports.go and volumes.go the ports and files of
//     this machine in place of the pod's. notes.go names what is replaced.
//   - rollout.go computes the next step of a rolling update; name.go makes template hashes and pod names.
//   - pod.go runs one pod, and container.go each of its processes: it starts the process, probes it, restarts it and ends it; backoff.go computes
//     the delay before a restart.
//   - probe.go probes by HTTP, connections and commands, and counts the results against the thresholds; ports.go reserves ports on this machine.
//   - status.go holds the types that Status and Deployments return.
//
// Package child starts processes and ensures that none outlives this one; package podlog keeps the last lines of every pod.
package workload
