# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154,SC2034
# ./dev fresh: a newcomer's machine. A new Debian 12 in a temporary folder, a clean clone of HEAD in it, then `./dev run`
# until the page answers, and `./dev test`. It uses this machine's network and apt sources. Sourced by ./dev.

fresh_root=

inside() { chroot "$fresh_root" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 CI=true bash -c "$1"; }

fresh_cleanup() {
  [ -n "$fresh_root" ] || return 0
  local mounted
  for mounted in sys dev/shm dev/pts dev proc; do
    mountpoint -q "$fresh_root/$mounted" && umount -l "$fresh_root/$mounted"
  done
  # Never remove through a mount that would not go away.
  if grep -q " $fresh_root/" /proc/mounts; then
    note "something is still mounted below $fresh_root; it is left alone"
  else
    rm -rf --one-file-system "$fresh_root"
  fi
  fresh_root=
}

# The apt sources, keys, proxy settings and certificates of this machine, so that the new one reaches what this one reaches.
fresh_network() {
  cp -L /etc/resolv.conf /etc/hosts "$fresh_root/etc/"
  rm -f "$fresh_root/etc/apt/sources.list"
  local file
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
    [ -f "$file" ] && grep -q 'debian' "$file" && cp "$file" "$fresh_root/etc/apt/sources.list.d/"
  done
  [ -f "$fresh_root/etc/apt/sources.list.d/sources.list" ] && mv "$fresh_root/etc/apt/sources.list.d/sources.list" "$fresh_root/etc/apt/sources.list"
  apt-config dump | grep -iE '^Acquire::(http|https|Check-)[^ ]* "' >"$fresh_root/etc/apt/apt.conf.d/90host" || true
  if command -v npm >/dev/null 2>&1; then
    printf 'registry=%s\ncafile=/etc/ssl/certs/ca-certificates.crt\n' "$(npm config get registry 2>/dev/null)" >"$fresh_root/root/.npmrc"
  fi
}

# The first command of the README: until the page is there, then Ctrl-C.
fresh_run() {
  inside '
    cd /root/isthmus
    # A shell starts what it puts into the background with SIGINT ignored: undone, so that Ctrl-C can be sent.
    setsid perl -e '"'"'$SIG{INT} = "DEFAULT"; exec @ARGV'"'"' ./dev run --yes >/root/run.log 2>&1 &
    run=$!
    for ((i = 0; i < 2700; ++i)); do
      kill -0 $run 2>/dev/null || { cat /root/run.log; echo "./dev run ended by itself"; exit 1; }
      if exec 3<>/dev/tcp/127.0.0.1/8080; then
        printf "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nConnection: close\r\n\r\n" >&3
        head -n 1 <&3 | grep -q " 200 " && break
      fi 2>/dev/null
      sleep 1
    done
    tail -n 25 /root/run.log
    kill -INT $run
    wait $run
    status=$?
    [ $status = 130 ] || { echo "./dev run ended with $status instead of 130 after Ctrl-C"; exit 1; }
    ! exec 3<>/dev/tcp/127.0.0.1/8080'
}

run_fresh() {
  [ "$(id -u)" = 0 ] || fail "./dev fresh makes a chroot: it needs root"
  need fresh
  [ -z "$(git status --porcelain)" ] || note "uncommitted changes are not in the clone"
  if (exec 3<>/dev/tcp/127.0.0.1/8080) 2>/dev/null; then fail "port 8080 is taken, the gateway of the new machine would not get it"; fi
  local mirror head
  mirror=$(sed -n 's/^URIs: *\(http[^ ]*debian\/\?\)$/\1/p' /etc/apt/sources.list.d/*.sources 2>/dev/null | head -n 1)
  head=$(git rev-parse HEAD)
  fresh_root=$(mktemp -d "${TMPDIR:-/var/tmp}/isthmus-fresh.XXXXXX")
  chmod 755 "$fresh_root"
  trap fresh_cleanup EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  note "debootstrap bookworm into $fresh_root"
  debootstrap --variant=minbase bookworm "$fresh_root" "${mirror:-http://deb.debian.org/debian}" >"${fresh_root}.log" 2>&1 ||
    { tail -n 20 "${fresh_root}.log" >&2; fail "debootstrap failed"; }
  rm -f "${fresh_root}.log"
  local mounted
  for mounted in proc sys dev dev/pts dev/shm; do mount --rbind --make-rslave "/$mounted" "$fresh_root/$mounted" 2>/dev/null || mount --bind "/$mounted" "$fresh_root/$mounted"; done
  fresh_network
  # A newcomer has git, or there would be no clone.
  inside 'DEBIAN_FRONTEND=noninteractive apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends git ca-certificates >/dev/null' || fail "the new machine cannot install git"
  # Whom this machine trusts: a proxy in between may sign with a certificate of its own.
  cp /etc/ssl/certs/ca-certificates.crt "$fresh_root/etc/ssl/certs/ca-certificates.crt"
  git bundle create -q "$fresh_root/root/isthmus.bundle" HEAD
  inside "cd /root && git -c advice.detachedHead=false clone -q isthmus.bundle isthmus && cd isthmus && git checkout -q $head" || fail "the clone failed"
  note "./dev run in the new machine"
  fresh_run || fail "./dev run failed in the new machine"
  note "./dev test ${*:-} in the new machine"
  inside "cd /root/isthmus && ./dev test --yes $*" || fail "./dev test failed in the new machine"
  note "both commands work on a new Debian 12"
}
