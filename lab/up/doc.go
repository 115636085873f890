// Package up implements `hopline up`: it renders an overlay, runs its workloads, enforces its rules, collects the traces, shows all of it,
// and applies every saved change until it is stopped.
//
// The files in reading order:
//   - up.go: Run creates the parts of the lab (overlay, workload, mesh/proxy, collector, console), connects them and stops them in order.
//   - listen.go opens the ports; nodeports.go opens those of NodePort Services; servers.go runs the HTTP servers.
//   - build.go finds or builds the services' programs.
//   - edition.go loads one state of the overlay, with its warnings and notes.
//   - follow.go applies an edition, shows the start, and reloads what is saved.
//   - announce.go prints the addresses and the changed shares; progress.go shows the workloads; page.go finds the page's path.
//   - terminal.go writes to the screen; logs.go selects and formats the output of the processes.
//   - discovery.go serves /sd, /pods and the metrics of pods.
package up
