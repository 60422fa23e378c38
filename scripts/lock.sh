#!/usr/bin/env bash
# Write requirements/*.txt again from pyproject.toml and requirements/*.in: hashes in, registry addresses out.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=.venv/bin/uv
compile() {
  local out=$1
  shift
  "$uv" pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url \
    ${UPGRADE:+--upgrade} "$@" -o "requirements/$out"
}
compile lock.txt pyproject.toml requirements/torch-deps.in requirements/sandbox.in --extra api --extra worker --extra dev
# the images take from the same versions what they need
compile sandbox.txt -c requirements/lock.txt requirements/sandbox.in requirements/torch-deps.in
compile worker.txt -c requirements/lock.txt pyproject.toml requirements/torch-deps.in --extra worker
compile api.txt -c requirements/lock.txt pyproject.toml --extra api
compile launcher.txt -c requirements/lock.txt requirements/launcher.in
