#!/bin/sh
# Creates a cluster with a registry, Istio and the dashboards. `make cluster` calls it. After a failure run it again: it continues where it
# stopped.
#   up.sh            everything
#   up.sh mesh       only Istio, the Gateway API and the dashboards, on the cluster that KUBECONFIG names
#   up.sh gateway-api  only the CustomResourceDefinitions of the Gateway API. GATEWAY_API names another file or directory with them.
set -eu
cd "$(dirname "$0")/../.."

cluster=hopline
registry=hopline-registry
port=5001
config=${KIND_CONFIG:-kind-config.yaml}
need_mib=${NEED_MIB:-4096}
gateway_api=${GATEWAY_API:-https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.6.0/standard-install.yaml}

say() { printf 'cluster: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
need() { command -v "$1" >/dev/null || die "$1 is missing: $2"; }

# taken HOST-PORT reports whether something listens there. It uses bash if sh is bash, else nc.
# shellcheck disable=SC3025
taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null || { command -v nc >/dev/null && nc -z 127.0.0.1 "$1" >/dev/null 2>&1; }; }

check() {
  need docker https://docs.docker.com/get-docker/
  need kind https://kind.sigs.k8s.io/docs/user/quick-start/#installation
  need kubectl https://kubernetes.io/docs/tasks/tools/
  need istioctl https://istio.io/latest/docs/setup/getting-started/#download
  docker info >/dev/null 2>&1 || die 'Docker does not respond. Start it, then try again.'
  minor=$(kind version | sed -n 's/^kind v0\.\([0-9]*\).*/\1/p')
  [ "${minor:-0}" -ge 27 ] || die "kind $(kind version) is too old: want 0.27 or newer (containerd 2, its registry configuration)"
  mib=$(($(docker info --format '{{.MemTotal}}') / 1048576))
  [ "$mib" -ge "$need_mib" ] || die "Docker has $mib MiB of memory, the cluster needs $need_mib. Docker Desktop: Settings, Resources. (NEED_MIB=0 tries anyway.)"
}

make_registry() {
  if [ "$(docker inspect -f '{{.State.Running}}' $registry 2>/dev/null)" = true ]; then return; fi
  docker rm -f $registry >/dev/null 2>&1 || true
  docker run -d --restart=unless-stopped --name $registry -p 127.0.0.1:$port:5000 docker.io/library/registry:3 >/dev/null ||
    die "no registry on localhost:$port: is the port taken?"
  say "registry at localhost:$port"
}

make_kind() {
  if kind get clusters 2>/dev/null | grep -qx $cluster; then
    say "cluster $cluster is there already"
  else
    # shellcheck disable=SC2013
    for p in $(sed -n 's/.*hostPort: \([0-9]*\).*/\1/p' "$config"); do
      if taken "$p"; then die "port $p of this machine is taken (lsof -i :$p shows the process). Free it, or change hostPort in $config."; fi
    done
    kind create cluster --config "$config" || {
      # A half-made cluster would count as complete the next time.
      kind delete cluster --name $cluster >/dev/null 2>&1 || true
      die 'kind could not create the cluster, and what there was of it is removed. Its own words are above.'
    }
  fi
  kubectl config use-context kind-$cluster >/dev/null
  # Nodes pull localhost:5001/… from the registry's container.
  for node in $(kind get nodes --name $cluster); do
    docker exec "$node" mkdir -p /etc/containerd/certs.d/localhost:$port
    printf '[host."http://%s:5000"]\n' $registry | docker exec -i "$node" cp /dev/stdin /etc/containerd/certs.d/localhost:$port/hosts.toml
  done
  docker network inspect kind -f '{{range .Containers}}{{.Name}} {{end}}' | grep -qw $registry || docker network connect kind $registry
  # The registry's address in the form for tools:
  # https://github.com/kubernetes/enhancements/tree/master/keps/sig-cluster-lifecycle/generic/1755-communicating-a-local-registry
  kubectl apply -f - >/dev/null <<E2
apiVersion: v1
kind: ConfigMap
metadata:
  name: local-registry-hosting
  namespace: kube-public
data:
  localRegistryHosting.v1: |
    host: "localhost:$port"
    help: "https://kind.sigs.k8s.io/docs/user/local-registry/"
E2
}

make_gateway_api() {
  kubectl apply --server-side -f "$gateway_api" >/dev/null || die "no CustomResourceDefinitions of the Gateway API from $gateway_api; GATEWAY_API names another place"
}

make_mesh() {
  need kubectl https://kubernetes.io/docs/tasks/tools/
  need istioctl https://istio.io/latest/docs/setup/getting-started/#download
  kubectl version >/dev/null 2>&1 || die 'no cluster responds: want one in KUBECONFIG.'
  make_gateway_api # before istiod, which looks for them when it starts
  istioctl install -y -f deploy/cluster/istio.yaml || die 'Istio is not installed, or by half: its own words are above. Run this again, or start anew with: istioctl uninstall -y --purge'
  kubectl apply -k deploy/addons >/dev/null
  say 'dashboards applied; their images take a while the first time (make status)'
}

case ${1:-all} in
  all)
    check; make_registry; make_kind; make_mesh
    cat >&2 <<'E3'
cluster: up. Next: make images push deploy
  http://localhost:8080/demo-app/    the page
  http://localhost:8080/jaeger       traces
  http://localhost:8080/grafana      metrics and logs (also http://localhost:3000/grafana)
  http://localhost:8080/kiali        the mesh (also http://localhost:8081/kiali)
  http://localhost:8080/prometheus   metrics, raw
E3
    ;;
  mesh) make_mesh ;;
  gateway-api) need kubectl https://kubernetes.io/docs/tasks/tools/; make_gateway_api ;;
  *) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
