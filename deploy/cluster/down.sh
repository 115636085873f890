#!/bin/sh
# Removes what up.sh made, and nothing else: the kind cluster "hopline" and its registry. Images in Docker stay.
set -eu
if kind get clusters 2>/dev/null | grep -qx hopline; then kind delete cluster --name hopline; fi
if docker inspect hopline-registry >/dev/null 2>&1; then docker rm -f -v hopline-registry >/dev/null && echo 'removed registry hopline-registry'; fi
