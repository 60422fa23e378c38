#!/usr/bin/env bash
# Build images: scripts/images.sh sandbox api launcher worker (all of them when none is named).
#   BASE_IMAGE       another Python base than python:3.11-slim-bookworm
#   PIP_ARGS         extra arguments for pip; TORCH_PIP_ARGS those for torch, to choose a CPU or a CUDA build
#   BUILD_NETWORK    the network that a build step sees (`host` where the default one leads nowhere)
set -euo pipefail
cd "$(dirname "$0")/.."
docker info >/dev/null 2>&1 || { echo "images: no container engine answers; is one installed and running?" >&2; exit 1; }
log=$(mktemp)
trap 'rm -f "$log"' EXIT

build() {
  local part=$1 name
  local file=$part/Dockerfile arguments=()
  case $part in
    launcher | worker) file=worker/Dockerfile arguments+=(--target "$part") ;;
  esac
  for name in BASE_IMAGE PIP_ARGS TORCH_PIP_ARGS; do
    [ -z "${!name:-}" ] || arguments+=(--build-arg "$name=${!name}")
  done
  [ -z "${BUILD_NETWORK:-}" ] || arguments+=(--network "$BUILD_NETWORK")
  echo "images: lacuna-$part:dev"
  # the old builder complains about its age on stderr, where its real errors are too: show them only on failure
  docker build "${arguments[@]}" -f "$file" -t "lacuna-$part:dev" . >"$log" 2>&1 || { tail -n 40 "$log" >&2; exit 1; }
}

[ $# -gt 0 ] || set -- sandbox api launcher worker
for part in "$@"; do
  build "$part"
done
