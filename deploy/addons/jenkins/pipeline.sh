#!/bin/sh
# The steps of the Jenkinsfile, each a command of its own, for any machine with Go, kubectl and the cluster that KUBECONFIG names:
#   pipeline.sh images    build the services' images without Docker, as TAG, and push them to PUSH_REGISTRY
#   pipeline.sh canary    the new image for middle-canary only, which gets one request in five
#   pipeline.sh gate      load at URL for DURATION; fails if more than one request in a hundred fails, or is slower than a second
#   pipeline.sh prod      the new images for all workloads
#   pipeline.sh back      what was deployed before `canary`; nothing if `canary` did not run
# REGISTRY is the registry as the cluster's nodes call it, DIR a directory that the steps share.
set -eu
cd "$(dirname "$0")/../../.."

kubectl_version=v1.36.3
crane=github.com/google/go-containerregistry/cmd/crane@v0.22.1
services='front middle core clock bounced'
dir=${DIR:-out/pipeline}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
PATH=$PATH:$dir

say() { printf 'pipeline: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# with_kubectl fetches kubectl if there is none: the agent's image is Go's.
with_kubectl() {
  command -v kubectl >/dev/null && return
  arch=$(go env GOARCH) url=https://dl.k8s.io/release/$kubectl_version/bin/linux
  curl -fsSL -o "$dir/kubectl.new" "$url/$arch/kubectl"
  echo "$(curl -fsSL "$url/$arch/kubectl.sha256")  $dir/kubectl.new" | sha256sum -c - >/dev/null || die 'kubectl: its checksum is not the published one'
  chmod +x "$dir/kubectl.new" && mv "$dir/kubectl.new" "$dir/kubectl"
}

# image SERVICE: one layer with the program and CA certificates, as the Dockerfile makes it. Files have the commit's time.
image() {
  root=$dir/image-$1
  rm -rf "$root"
  mkdir -p "$root/etc/ssl/certs"
  (cd "services/$1" && GOWORK=off CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X github.com/hopline/hopline/pkg/server.build=$version" -o "$root/service" .)
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  tar -C "$root" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$time" -cf "$root.tar" etc service
  "$dir/crane" append --new_layer "$root.tar" --new_tag "$PUSH_REGISTRY/hopline/$1:$TAG" >/dev/null
  "$dir/crane" mutate "$PUSH_REGISTRY/hopline/$1:$TAG" --entrypoint /service --user 65532:65532 \
    --set-platform "linux/$(go env GOARCH)" --tag "$PUSH_REGISTRY/hopline/$1:$TAG" >/dev/null
  rm -rf "$root" "$root.tar"
  say "pushed $PUSH_REGISTRY/hopline/$1:$TAG"
}

last_deploy() { kubectl get configmaps -n hopline -l hopline.io/history -o jsonpath='{range .items[*]}{.metadata.labels.hopline\.io/history}{"\n"}{end}' | sort -n | tail -1; }

case ${1:-} in
  images)
    rm -f "$dir/before" # of another build
    version=$(git describe --tags --always) time=$(git log -1 --format=%ct)
    GOBIN=$dir GOFLAGS=-mod=mod GOWORK=off go install "$crane"
    for s in $services; do image "$s"; done ;;
  canary)
    with_kubectl
    last_deploy >"$dir/before"
    [ -s "$dir/before" ] || die 'want a deployed overlay beside which the canary runs, got none: make deploy'
    kubectl set image -n hopline deployment/middle-canary "app=$REGISTRY/hopline/middle:$TAG" >/dev/null
    kubectl rollout status -n hopline deployment/middle-canary --timeout=180s >/dev/null
    say "middle-canary runs $TAG" ;;
  gate)
    (cd lab && GOWORK=off CGO_ENABLED=0 go build -o "$dir/hopline" ./cmd/hopline)
    "$dir/hopline" load "$URL" --rate 50 --duration "${DURATION:-60s}" --fail-if 'errors>1%' --fail-if 'p99>1s' ;;
  prod)
    with_kubectl
    deploy/deploy.sh deploy "${OVERLAY:-canary}" ;;
  back)
    if [ -s "$dir/before" ]; then
      with_kubectl
      deploy/deploy.sh rollback "$(cat "$dir/before")"
    else
      say 'nothing was rolled out'
    fi ;;
  *) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
