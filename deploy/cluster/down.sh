#!/bin/sh
# Removes what up.sh made, and nothing else: the kind cluster "hopline" and its registry. Images in Docker stay.
set -eu
say() { printf 'cluster: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
command -v docker >/dev/null || die 'docker is missing, so nothing that make cluster made can be here'
docker info >/dev/null 2>&1 || die 'Docker does not respond. Start it, then try again.'
found=
if command -v kind >/dev/null && kind get clusters 2>/dev/null | grep -qx hopline; then found=1; kind delete cluster --name hopline; fi
if docker inspect hopline-registry >/dev/null 2>&1; then found=1; docker rm -f -v hopline-registry >/dev/null; say 'removed registry hopline-registry'; fi
[ "$found" ] || say 'neither cluster nor registry is here'
