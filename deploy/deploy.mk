# The cluster's targets, included by the root Makefile. They run the scripts in this directory.
export REGISTRY TAG PLATFORMS ATTEST IMAGES

.PHONY: images push
images: ## build the services' images, with Docker only: TAG=, REGISTRY=, PLATFORMS=linux/amd64,linux/arm64, ATTEST=1
	@deploy/images.sh build
push: ## push them to the registry, localhost:5001 or REGISTRY=
	@deploy/images.sh push

.PHONY: cluster cluster-down cluster-unmesh status port-forward
cluster: ## create a kind cluster with registry, Istio and dashboards (needs docker, kind, kubectl, istioctl, 4 GB)
	@deploy/cluster/up.sh
cluster-down: ## remove what `make cluster` made
	@deploy/cluster/down.sh
cluster-unmesh: ## remove Istio, keep the services
	@deploy/deploy.sh unmesh
status: ## show the state of the cluster
	@deploy/cluster/status.sh
port-forward: ## give any cluster the same addresses, until Ctrl-C
	@deploy/cluster/port-forward.sh

.PHONY: deploy rules history rollback reset
deploy: ## apply an overlay to the cluster that KUBECONFIG names: OVERLAY=canary, TAG=, REGISTRY=
	@deploy/deploy.sh deploy $(OVERLAY)
rules: ## apply only the mesh's rules of OVERLAY=
	@deploy/deploy.sh rules $(OVERLAY)
history: ## list the last ten deploys
	@deploy/deploy.sh history
rollback: ## deploy the one before the last again, or TO=n
	@deploy/deploy.sh rollback $(TO)
reset: ## remove everything with Hopline's label from the cluster
	@deploy/deploy.sh reset

.PHONY: e2e
e2e: ## test everything on the cluster that KUBECONFIG names: URL= is its ingress gateway, ARGS='-run TestTour/egress'
	cd test/e2e && GOWORK=off go test -count=1 -v -timeout 60m -parallel 8 . -url $(or $(URL),http://localhost:8080) $(ARGS)
