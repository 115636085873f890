// Package overlay renders a kustomize overlay and decodes it into typed objects, strictly: it refuses by name what the lab does not support.
//
// The files in reading order:
//   - objects.go: Overlay and the types of its objects; report.go: Problem and Report, which collect all mistakes of an overlay.
//   - load.go: Load, from the directory to the checked objects.
//   - read.go: Read, the lenient counterpart for the files of any project; readkinds.go lists the kinds and fields that it decodes, modernize.go accepts
//     deprecated kustomization files, and assume.go completes what the files do not state. rest.go lists what it leaves out. lenient.go:
//     LoadLenient, which reads such files for a lab that runs them.
//   - Rendering. kustomization.go inspects the kustomization files, so that kustomize runs no program and fetches nothing. Package snapshot has
//     the file system that kustomize sees, and watches its files. Package placeholder lets many similar objects pass through kustomize as one.
//     partial.go and doubt.go render what is left of an overlay with mistakes.
//   - Decoding. kinds.go lists the accepted kinds; strict.go decodes Kubernetes' manifests into structs with field tags, and istio.go decodes
//     Istio's specifications. deployment.go, container.go, probe.go, environment.go, volumes.go, service.go and notenforced.go hold the
//     manifests. fields.go lists the fields for the documentation; foreign.go describes kinds that the lab does not support.
//   - Checks, which change nothing. Package validate has those of Istio's own validation. check_httproute.go, check_filters.go and
//     check_kubernetesgateway.go have those of the Gateway API, check_names.go those of Kubernetes' names. check_references.go and
//     check_hosts.go report references to objects, hosts, subsets and ports that do not exist.
//   - Messages. place.go finds the file and line of a problem, by origins.go in an overlay; package yamltext has the line of a YAML error.
//   - Changes. edit.go sets fields of rendered objects, replace.go replaces the content of a file; rewrite.go finds the lines of the files that make
//     an edit lasting, by jsonpatch.go in a JSON patch, and package yamltext changes them.
package overlay
