# The cluster's half of the targets; the root Makefile includes it. What they do stands in the scripts beside it.
export REGISTRY TAG PLATFORMS ATTEST IMAGES

.PHONY: images push
images: ## the services' images, with Docker alone: TAG=, REGISTRY=, PLATFORMS=linux/amd64,linux/arm64, ATTEST=1
	@deploy/images.sh build
push: ## and into the registry, localhost:5001 unless REGISTRY= says otherwise
	@deploy/images.sh push

.PHONY: cluster cluster-down cluster-unmesh status port-forward
cluster: ## a kind cluster with registry, Istio and dashboards (needs docker, kind, kubectl, istioctl, 4 GB)
	@deploy/cluster/up.sh
cluster-down: ## remove what `make cluster` made
	@deploy/cluster/down.sh
cluster-unmesh: ## Istio out, the services go on
	@deploy/deploy.sh unmesh
status: ## what is up in the cluster
	@deploy/cluster/status.sh
port-forward: ## the same addresses on any cluster, until Ctrl-C
	@deploy/cluster/port-forward.sh

.PHONY: deploy rules history rollback reset
deploy: ## an overlay onto the cluster that KUBECONFIG names: OVERLAY=canary, TAG=, REGISTRY=
	@deploy/deploy.sh deploy $(OVERLAY)
rules: ## only the mesh's rules of OVERLAY=
	@deploy/deploy.sh rules $(OVERLAY)
history: ## the last ten deploys
	@deploy/deploy.sh history
rollback: ## the deploy before the last, or TO=n
	@deploy/deploy.sh rollback $(TO)
reset: ## remove from the cluster what carries Hopline's label
	@deploy/deploy.sh reset

.PHONY: e2e
e2e: ## a tour over everything, on the cluster that KUBECONFIG names: URL= is its ingress gateway, ARGS='-run TestTour/egress'
	cd test/e2e && GOWORK=off go test -count=1 -v -timeout 60m -parallel 8 . -url $(or $(URL),http://localhost:8080) $(ARGS)
