#!/bin/sh
# Gives any cluster the same addresses as on kind, until Ctrl-C: `make port-forward`.
set -eu
die() { printf 'port-forward: %s\n' "$*" >&2; exit 1; }
command -v kubectl >/dev/null || die 'kubectl is missing: https://kubernetes.io/docs/tasks/tools/'
kubectl version >/dev/null 2>&1 || die 'no cluster responds. make cluster makes one; KUBECONFIG names another.'
pids=
trap 'kill $pids 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM
forward() { # forward SERVICE LOCAL REMOTE WHAT
  if ! kubectl get service -n istio-system "$1" >/dev/null 2>&1; then echo "no $4: service $1 is not in istio-system" >&2; return; fi
  kubectl port-forward -n istio-system "service/$1" "$2:$3" >/dev/null &
  pids="$pids $!"
  echo "http://localhost:$2  $4"
}
forward istio-ingressgateway 8080 80 'ingress: /demo-app/ /jaeger /grafana /kiali /prometheus'
forward kiali 8081 20001 Kiali
forward grafana 3000 3000 Grafana
[ -n "$pids" ] || exit 1
wait
