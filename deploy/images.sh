#!/bin/sh
# Builds and pushes the images of the five services. `make images push` calls it; it needs only Docker.
#   images.sh build|push    REGISTRY, TAG, PLATFORMS, IMAGES, ATTEST=1: see below
set -eu
cd "$(dirname "$0")/.."

registry=${REGISTRY:-localhost:5001}
tag=${TAG:-dev}
platforms=${PLATFORMS:-} # empty: this machine's; "linux/amd64,linux/arm64": both, which only `push` can deliver
images=${IMAGES:-front middle core clock bounced} # hopline, the lab with all of them in it, only if named

say() { printf 'images: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

command -v docker >/dev/null || die 'docker is missing: https://docs.docker.com/get-docker/'
docker info >/dev/null 2>&1 || die "Docker does not respond. Start it (Docker Desktop, or: sudo systemctl start docker), then try again: \
$(docker info 2>&1 | tail -1)"
docker buildx version >/dev/null 2>&1 || die 'docker buildx is missing. It comes with Docker Desktop, and as the package docker-buildx-plugin elsewhere.'

# The same commit gives the same image: every file and the image's record have its time, not the build's.
if revision=$(git rev-parse HEAD 2>/dev/null); then
  version=$(git describe --tags --always --dirty)
  SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
else
  revision=unknown version=dev SOURCE_DATE_EPOCH=0
fi
export SOURCE_DATE_EPOCH # buildx passes it to the builder

build() { # build IMAGE OPTION...
  name=$1; shift
  case $name in hopline) target=hopline ;; *) target=service ;; esac
  docker buildx build --quiet --target "$target" \
    --build-arg SERVICE="$name" --build-arg VERSION="$version" --build-arg REVISION="$revision" \
    --build-arg SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH" ${GOPROXY:+--build-arg GOPROXY="$GOPROXY"} \
    ${platforms:+--platform "$platforms"} --tag "$registry/hopline/$name:$tag" "$@" . >/dev/null
}

# Attestations hold the time of the build, so they are off by default: with them every build differs.
attest() { if [ -n "${ATTEST:-}" ]; then echo '--provenance=mode=max --sbom=true'; else echo '--provenance=false --sbom=false'; fi; }

# beyond: the engine's own builder and store may support neither several platforms nor attestations. BuildKit builds those images and sends
# them directly to the registry.
case $platforms,${ATTEST:+attest} in *,?*) beyond=1 ;; *) beyond= ;; esac
if [ -n "$beyond" ] && [ -z "${BUILDX_BUILDER:-}" ] && docker buildx inspect | grep -q '^Driver: *docker$' &&
  ! docker info --format '{{.DriverStatus}}' | grep -q io.containerd.snapshotter; then
  docker buildx inspect hopline >/dev/null 2>&1 || docker buildx create --name hopline --driver docker-container --driver-opt network=host >/dev/null
  export BUILDX_BUILDER=hopline
  docker buildx inspect --bootstrap >/dev/null ||
    die 'the builder for several platforms and attestations does not start: its own words are above. BUILDX_BUILDER= names another.'
fi

# layers IMAGE prints the sum of the compressed layers, which a node pulls: for each platform if there are several.
layers() {
  raw=$(docker buildx imagetools inspect --raw "$1")
  digests=$(printf %s "$raw" | sed -n '/"manifests"/,$s/.*"digest": *"\([^"]*\)".*/\1/p')
  if [ -z "$digests" ]; then
    printf %s "$raw" | sed -n '/"layers"/,$s/.*"size": *\([0-9]*\).*/\1/p' | awk '{ n += $1 } END { if (n > 1e5) printf ", %.1f MB compressed", n / 1e6 }'
  fi
  for digest in $digests; do layers "${1%:*}@$digest"; done # attestations are among them, and too small to be printed
}

case ${1:-} in
  build)
    for s in $images; do
      if [ -n "$beyond" ]; then
        # shellcheck disable=SC2046
        build "$s" $(attest) --output type=cacheonly || die 'not built: its own words are above'
        say "built $registry/hopline/$s:$tag${platforms:+ for $platforms}, for \`make push\` to deliver"
      else
        # shellcheck disable=SC2046
        build "$s" $(attest) --load
        say "built $registry/hopline/$s:$tag ($version)"
      fi
    done ;;
  push)
    for s in $images; do
      image=$registry/hopline/$s:$tag
      if [ -n "$beyond" ]; then
        # shellcheck disable=SC2046
        build "$s" $(attest) --push || die "not built, or cannot push to $registry: its own words are above. \`make cluster\` starts localhost:5001."
      else
        docker image inspect "$image" >/dev/null 2>&1 || die "$image is not built: make images push"
        docker push --quiet "$image" >/dev/null || die "cannot push to $registry. Is the registry there? \`make cluster\` starts localhost:5001."
      fi
      say "pushed $image$(layers "$image")"
    done ;;
  *) sed -n '2,3s/^# //p' "$0"; exit 2 ;;
esac
