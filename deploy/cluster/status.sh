#!/bin/sh
# Prints the state of the cluster, one line for each part: `make status`.
set -eu
die() { printf 'status: %s\n' "$*" >&2; exit 1; }
command -v kubectl >/dev/null || die 'kubectl is missing: https://kubernetes.io/docs/tasks/tools/'
kubectl version >/dev/null 2>&1 || die 'no cluster responds. make cluster makes one; KUBECONFIG names another.'
line() { printf '%-12s %s\n' "$1" "$2"; }
line cluster "$(kubectl config current-context 2>/dev/null || echo unknown), Kubernetes $(kubectl version -o json | sed -n '/serverVersion/,$s/.*"gitVersion": "\(.*\)".*/\1/p'), $(kubectl get nodes --no-headers | grep -cw Ready) nodes ready"
# Of a Deployment and of a DaemonSet, whose fields have other names: NAME|READY|WANTED.
counts='{range .items[*]}{.metadata.name}|{.status.readyReplicas}{.status.numberReady}|{.spec.replicas}{.status.desiredNumberScheduled}{"\n"}{end}'
ready() { # ready NAMESPACE SELECTOR: "7 of 8 ready; not ready: …"
  kubectl get deployments,daemonsets -n "$1" -l "$2" -o jsonpath="$counts" 2>/dev/null | awk -F'|' '
    { all++; if ($2 == $3 && $3 > 0) ok++; else rest = rest " " $1 }
    END { if (!all) print "not there"; else { printf "%d of %d ready", ok, all; if (rest) printf "; not ready:%s", rest; print "" } }'
}
line istio "$(ready istio-system 'operator.istio.io/component')"
line dashboards "$(ready istio-system 'app.kubernetes.io/name in (jaeger,prometheus,grafana,loki,collector,kiali,zipkin,sampling)')"
line services "$(ready hopline app.kubernetes.io/part-of=hopline)"
line outside "$(ready hopline-outside app.kubernetes.io/part-of=hopline)"
line deployed "$(kubectl get configmaps -n hopline -l hopline.io/history --sort-by=.metadata.creationTimestamp -o 'custom-columns=A:.metadata.annotations.hopline\.io/what,B:.metadata.annotations.hopline\.io/when' --no-headers 2>/dev/null | tail -1)"
