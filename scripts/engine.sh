#!/usr/bin/env bash
# A container engine and a base image where neither can be taken for granted (CI, a bare Debian machine).
#   scripts/engine.sh start PIDFILE   start an engine if none answers; its pid goes to PIDFILE only if we started it
#   scripts/engine.sh stop PIDFILE    stop the engine that `start` started, and no other
#   scripts/engine.sh base TAG        build a Python base image from Debian packages, for machines that cannot pull one
set -euo pipefail

start() {
  local pid_file=$1 log=${1%.pid}.log
  if docker info >/dev/null 2>&1; then
    echo "engine: one answers already"
    return
  fi
  command -v dockerd >/dev/null || { echo "engine: no dockerd here; as root: apt-get install -y docker.io iptables" >&2; exit 1; }
  [ "$(id -u)" = 0 ] || { echo "engine: none answers, and only root can start one" >&2; exit 1; }
  setsid dockerd >"$log" 2>&1 </dev/null &
  echo $! >"$pid_file"
  for _ in $(seq 150); do
    docker info >/dev/null 2>&1 && { echo "engine: started"; return; }
    sleep 0.2
  done
  tail -n 5 "$log" >&2
  echo "engine: dockerd did not answer within 30 s; its log is $log" >&2
  exit 1
}

stop() {
  local pid
  [ -s "$1" ] || return 0
  pid=$(cat "$1")
  if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ]; then
    kill "$pid"
    for _ in $(seq 100); do [ -d "/proc/$pid" ] || break; sleep 0.2; done
  fi
  rm -f "$1"
}

base() {
  local tag=$1 root mirror certificates=/etc/ssl/certs/ca-certificates.crt wheels
  docker image inspect "$tag" >/dev/null 2>&1 && { echo "engine: $tag is there"; return; }
  root=$(mktemp -d)
  # shellcheck disable=SC2064  # the folder is known now and gone later
  trap "rm -rf '$root'" EXIT
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' | head -n 1)
  debootstrap --variant=minbase --include=ca-certificates,python3,python3-pip,python3-venv bookworm "$root" "$mirror" >/dev/null
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/usr/lib/python3.11/EXTERNALLY-MANAGED
  ln -sf python3 "$root/usr/bin/python"
  # pip inside a build trusts and finds what pip trusts and finds here
  cp "${PIP_CERT:-$certificates}" "$root$certificates"
  printf '[global]\ncert = %s\n' "$certificates" >"$root/etc/pip.conf"
  wheels=${PIP_FIND_LINKS:-$(pip config get global.find-links 2>/dev/null || true)}
  if [ -d "$wheels" ]; then
    mkdir -p "$root/opt/wheels"
    cp "$wheels"/*.whl "$root/opt/wheels/"
    echo 'find-links = /opt/wheels' >>"$root/etc/pip.conf"
  fi
  tar -C "$root" --exclude='./dev/*' --exclude='./proc/*' --exclude='./sys/*' -c . |
    docker import -c 'ENV LANG=C.UTF-8' -c 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
      - "$tag" >/dev/null
  echo "engine: built $tag"
}

case ${1:-} in
  start | stop | base) "$1" "${2:?$1 needs one argument}" ;;
  *) sed -n '2,5s/^# //p' "$0" >&2; exit 2 ;;
esac
