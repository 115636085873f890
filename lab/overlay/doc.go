// Package overlay renders a kustomize overlay and decodes it into typed objects, strictly: it refuses by name what the lab does not support.
//
// The files in reading order:
//   - objects.go: Overlay and the types of its objects; report.go: Problem and Report, which collect all mistakes of an overlay.
//   - load.go: Load, from the directory to the checked objects. files.go does the same for single files, for `hopline explain`.
//   - Rendering. kustomization.go inspects the kustomization files, so that kustomize runs no program and fetches nothing. snapshot.go is the
//     file system that kustomize sees. standin.go lets many similar objects pass through kustomize as one. partial.go and doubt.go render what
//     is left of an overlay with mistakes.
//   - Decoding. kinds.go lists the accepted kinds; strict.go decodes Kubernetes' manifests into structs with field tags, and istio.go decodes
//     Istio's specifications. deployment.go, environment.go, service.go and notenforced.go hold the manifests. fields.go lists the fields for
//     the documentation; foreign.go describes kinds that the lab does not support.
//   - Checks. Those of Istio's validation are in istionames.go, virtualservice.go, destinationrule.go, gateway.go, serviceentry.go, sidecar.go,
//     authorization.go and peerauthentication.go; names.go has those of Kubernetes' names, wiretext.go those of text in HTTP messages.
//     references.go reports references to objects, hosts, subsets and ports that do not exist.
//   - Messages. place.go finds the file and line of a problem, yamlmistake.go the line of a YAML error, nearest.go the name that was meant.
//   - watch.go: Watcher reports changes of the files that an overlay was loaded from.
package overlay
