#!/bin/sh
# Applies an overlay to the cluster that KUBECONFIG names, and removes it. `make` calls it:
#   deploy.sh deploy OVERLAY     apply it, and remove what the last one left
#   deploy.sh rules OVERLAY      only the mesh's rules of it: VirtualServices, DestinationRules, HTTPRoutes and AuthorizationPolicies
#   deploy.sh history            the last ten deploys
#   deploy.sh rollback [N]       deploy number N of the history again; without N the one before the last
#   deploy.sh reset              remove everything with Hopline's label, and nothing else
#   deploy.sh unmesh             remove Istio, keep the services
# REGISTRY and TAG select other images than localhost:5001/hopline/…:dev.
set -eu
cd "$(dirname "$0")"

label=app.kubernetes.io/part-of=hopline
keep=10
settle=3 # seconds until istiod has sent a change to all proxies
# In the order of removal: rules before their targets.
rules='virtualservices.networking.istio.io sidecars.networking.istio.io gateways.networking.istio.io destinationrules.networking.istio.io
  httproutes.gateway.networking.k8s.io gateways.gateway.networking.k8s.io referencegrants.gateway.networking.k8s.io
  authorizationpolicies.policy.linkerd.io meshtlsauthentications.policy.linkerd.io servers.policy.linkerd.io
  serviceentries.networking.istio.io authorizationpolicies.security.istio.io peerauthentications.security.istio.io'
plain='ingresses.networking.k8s.io poddisruptionbudgets.policy networkpolicies.networking.k8s.io deployments.apps services serviceaccounts'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

say() { printf 'deploy: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

reachable() {
  command -v kubectl >/dev/null || die 'kubectl is missing: https://kubernetes.io/docs/tasks/tools/'
  kubectl version >/dev/null 2>"$work/error" || die "no cluster responds ($(tail -1 "$work/error")). \`make cluster\` makes one; KUBECONFIG names another."
}

render() { # render OVERLAY
  overlay=overlays/$1
  [ -f "$overlay/kustomization.yaml" ] || overlay=meshes/$1 # for other meshes than Istio with sidecars
  [ -f "$overlay/kustomization.yaml" ] || die "no overlay $1. There are: $(cd overlays && echo *) $(cd meshes && echo *)"
  kubectl kustomize "$overlay" >"$work/rendered.yaml"
  if [ -n "${REGISTRY:-}${TAG:-}" ]; then
    sed "s#image: localhost:5001/hopline/\(.*\):dev#image: ${REGISTRY:-localhost:5001}/hopline/\1:${TAG:-dev}#" "$work/rendered.yaml" >"$work/images.yaml"
    mv "$work/images.yaml" "$work/rendered.yaml"
  fi
}

# known lists the kinds that the cluster has. An aggregated API that is down, such as that of metrics, makes kubectl fail after it has
# listed the others.
known() { kubectl api-resources --no-headers -o name >"$work/known" || [ -s "$work/known" ]; }

# labelled lists, as KIND,KIND, the rules and the plain kinds that this cluster has.
labelled() {
  known
  for k in $rules $plain; do
    if grep -qx "$k" "$work/known"; then echo "$k"; fi
  done >"$work/kinds"
  paste -sd, "$work/kinds"
}

# mesh_or_die stops before any change if the cluster lacks a kind that the rendering needs.
mesh_or_die() {
  known
  # two APIs have a kind Gateway: KIND.GROUP distinguishes them
  awk '/^apiVersion: / { split($2, api, "/") } /^kind: / { print tolower($2) "." api[1] }' "$work/rendered.yaml" | sort -u >"$work/needed"
  missing=
  for k in $rules; do
    kind=$(printf %s "${k%%.*}" | sed 's/ies$/y/; s/s$//')
    if grep -qx "$kind.${k#*.}" "$work/needed" && ! grep -qx "$k" "$work/known"; then missing="$missing $k"; fi
  done
  case $missing in
    '') ;;
    *istio.io*) die "this cluster has no Istio: it lacks the CRDs$missing. \
Install it (istioctl install -y -f deploy/cluster/istio.yaml), or deploy the overlay that needs none: make deploy OVERLAY=plain" ;;
    *linkerd.io*) die "this cluster has no Linkerd: it lacks the CRDs$missing. Install it: docs/cluster.md, Linkerd" ;;
    *) die "this cluster has no Gateway API: it lacks the CRDs$missing. Install them: deploy/cluster/up.sh gateway-api" ;;
  esac
}

# one_per_line prints KIND.VERSION.GROUP/NAMESPACE/NAME for each object of kubectl's list: a form that kubectl accepts.
one_per_line() {
  sed 's#^\([^ ]*\) \([^/ ]*\)/\([^/ ]*\) #\1.\3.\2 #; s#^\([^. ]*\) \([^/ ]*\) #\1.\2. #; s# #/#g'
}
terminating='{range .items[?(@.status.phase=="Terminating")]}{.metadata.name}{"\n"}{end}'
gone=120s # the longest time that a deploy waits for a namespace that is being deleted
as_list='{range .items[*]}{.kind} {.apiVersion} {.metadata.namespace} {.metadata.name}{"\n"}{end}'

# apply_rendered applies the rendering, then removes objects with the label that are not in it. Objects with hopline.io/order=last route to
# other rules. So they are applied when all proxies have those, and removed before them. kubectl writes into files, not into pipes, which
# would hide its failure: then nothing may be removed, because an object that could not be applied would count as a leftover.
apply_rendered() {
  mesh_or_die
  namespaces_first
  if grep -q 'hopline.io/order: last' "$work/rendered.yaml"; then
    kubectl apply -f "$work/rendered.yaml" -l hopline.io/order!=last >/dev/null
    sleep "$settle"
  fi
  kubectl apply -f "$work/rendered.yaml" -o jsonpath="$as_list" >"$work/list"
  one_per_line <"$work/list" >"$work/wanted"
  remove "$label,hopline.io/order=last"
  if [ -s "$work/removed" ]; then sleep "$settle"; fi
  remove "$label"
  # The world outside is a namespace: it is removed if an overlay does not have it.
  if ! grep -q '^Namespace\.v1\.//hopline-outside$' "$work/wanted"; then remove_namespace hopline-outside; fi
  say "applied $(wc -l <"$work/wanted" | tr -d ' ') objects"
}

# namespaces_first applies namespaces first: a pod made before its namespace has the mesh's label would have no sidecar. A namespace that a
# reset is still deleting accepts no new objects, so that the deploy waits until it is gone.
namespaces_first() {
  awk 'BEGIN { RS = "---\n" } /\nkind: Namespace\n/ || /^kind: Namespace\n/ { print "---"; print }' "$work/rendered.yaml" >"$work/namespaces.yaml"
  sed -n 's/^  name: //p' "$work/namespaces.yaml" >"$work/names"
  kubectl get namespaces -o jsonpath="$terminating" >"$work/list"
  if grep -xF -f "$work/names" "$work/list" >"$work/terminating"; then
    say "waits until the cluster has deleted namespace $(paste -sd, "$work/terminating")"
    xargs kubectl wait --for=delete namespace --timeout="$gone" <"$work/terminating" >/dev/null 2>"$work/error" ||
      die "the namespace is still being deleted after $gone ($(tail -1 "$work/error")). \`kubectl get namespace -o yaml\` shows what holds it."
  fi
  kubectl apply -f "$work/namespaces.yaml" >/dev/null
}

# remove deletes objects that have the labels and are not wanted.
remove() {
  kinds=$(labelled)
  kubectl get "$kinds" -A -l "$1" -o jsonpath="$as_list" >"$work/list"
  one_per_line <"$work/list" >"$work/have"
  grep -vxF -f "$work/wanted" "$work/have" | while IFS=/ read -r kind namespace name; do
    kubectl delete --wait=false -n "$namespace" "$kind" "$name" >/dev/null
    echo "${kind%%.*} $name"
  done >"$work/removed"
  awk '{ names[$1] = names[$1] " " $2 } END { for (k in names) print "deploy: removed " k names[k] ", left by the last overlay" }' "$work/removed" | sort >&2
}

ready() {
  for namespace in hopline hopline-outside; do
    kubectl rollout status deployments -n "$namespace" -l "$label" --timeout=180s >"$work/rollout" 2>&1 || {
      kubectl get pods -n "$namespace" -l "$label" >&2
      die "not ready: $(sed -n 's/^Waiting for //p' "$work/rollout" | tail -1) \`kubectl describe pod -n $namespace\` shows why."
    }
  done
}

numbers() { kubectl get configmaps -n hopline -l hopline.io/history -o jsonpath='{range .items[*]}{.metadata.labels.hopline\.io/history}{"\n"}{end}' 2>/dev/null | sort -n; }

remember() { # remember WHAT: stores the rendering, and keeps the last ten
  n=$(($(numbers | tail -1) + 1))
  kubectl create configmap "hopline-deploy-$n" -n hopline --from-file=rendered.yaml="$work/rendered.yaml" --dry-run=client -o yaml |
    kubectl annotate --local -f - "hopline.io/what=$1" "hopline.io/when=$(date -u +%Y-%m-%dT%H:%M:%SZ)" -o yaml |
    kubectl label --local -f - "hopline.io/history=$n" "$label" -o yaml |
    kubectl create -f - >/dev/null
  for old in $(numbers | awk -v k="$keep" '{ a[NR] = $0 } END { for (i = 1; i <= NR - k; i++) print a[i] }'); do
    kubectl delete configmap -n hopline "hopline-deploy-$old" >/dev/null
  done
  say "deploy $n: $1"
}

# remove_namespace removes one of our namespaces, unless it holds objects of others.
remove_namespace() {
  [ "$(kubectl get namespace "$1" -o jsonpath='{.metadata.labels.app\.kubernetes\.io/part-of}' 2>/dev/null)" = hopline ] || return 0
  others=$(kubectl get deployments,statefulsets,daemonsets,jobs,services,configmaps,secrets,serviceaccounts -n "$1" -l "app.kubernetes.io/part-of!=hopline" -o name |
    grep -vx -e configmap/kube-root-ca.crt -e configmap/istio-ca-root-cert -e configmap/istio-ca-crl -e serviceaccount/default || true)
  if [ -n "$others" ]; then
    say "namespace $1 stays: it holds $(echo "$others" | tr '\n' ' ')"
  else
    kubectl delete namespace "$1" --wait=false >/dev/null
    say "removed namespace $1"
  fi
}

cmd=${1:-}; [ $# -eq 0 ] || shift
case $cmd in
  deploy)
    reachable; render "${1:-canary}"; apply_rendered; remember "${1:-canary}${TAG:+, tag $TAG}"; ready ;;
  rules)
    reachable; render "${1:-canary}"
    awk 'BEGIN { RS = "---\n" } /(^|\n)kind: (VirtualService|DestinationRule|HTTPRoute|AuthorizationPolicy)\n/ { print "---"; print }' "$work/rendered.yaml" >"$work/rules.yaml"
    mv "$work/rules.yaml" "$work/rendered.yaml"; mesh_or_die
    kubectl apply -f "$work/rendered.yaml" >"$work/list"
    if grep -v ' unchanged$' "$work/list"; then sleep "$settle"; else say 'nothing changed'; fi ;;
  history)
    reachable
    kubectl get configmaps -n hopline -l hopline.io/history --sort-by=.metadata.creationTimestamp \
      -o 'custom-columns=DEPLOY:.metadata.labels.hopline\.io/history,WHEN:.metadata.annotations.hopline\.io/when,WHAT:.metadata.annotations.hopline\.io/what' ;;
  rollback)
    reachable
    n=${1:-$(numbers | tail -2 | head -1)}
    [ "${1:-}" ] || [ "$(numbers | wc -l)" -ge 2 ] || die 'there is no deploy before the last: make history'
    what=$(kubectl get configmap -n hopline "hopline-deploy-$n" -o jsonpath='{.metadata.annotations.hopline\.io/what}' 2>/dev/null) || die "no deploy $n in the history: make history"
    kubectl get configmap -n hopline "hopline-deploy-$n" -o jsonpath='{.data.rendered\.yaml}' >"$work/rendered.yaml"
    apply_rendered; remember "$what (deploy $n again)"; ready ;;
  reset)
    reachable
    kinds=$(labelled)
    kubectl delete "$kinds,configmaps" -A -l "$label" --wait=false
    for namespace in hopline hopline-outside; do remove_namespace $namespace; done ;;
  unmesh)
    reachable
    command -v istioctl >/dev/null || die 'istioctl is missing: https://istio.io/latest/docs/setup/getting-started/#download'
    render plain; apply_rendered; remember 'plain, Istio removed'; ready # new pods, without sidecars
    istioctl uninstall -y --purge
    say 'Istio is gone, the services respond at NodePort 30100' ;;
  *) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
