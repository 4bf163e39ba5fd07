# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154,SC2034
# ./dev fresh: a newcomer's machine. A new Debian 12 in a temporary folder, a clean clone of HEAD in it, then `./dev run`
# until the page answers, and `./dev test`. It uses this machine's network and apt sources. Sourced by ./dev.

fresh_root=

inside() { chroot_inside "$fresh_root" "$1"; }

fresh_cleanup() {
  [ -n "$fresh_root" ] || return 0
  chroot_remove "$fresh_root"
  fresh_root=
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
  local head
  head=$(git rev-parse HEAD)
  fresh_root=$(mktemp -d "${TMPDIR:-/var/tmp}/isthmus-fresh.XXXXXX")
  trap fresh_cleanup EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  note "debootstrap bookworm into $fresh_root"
  chroot_make "$fresh_root" || fail "debootstrap failed"
  # A newcomer has git, or there would be no clone.
  inside 'apt-get -qq install -y --no-install-recommends git >/dev/null' || fail "the new machine cannot install git"
  git bundle create -q "$fresh_root/root/isthmus.bundle" HEAD
  inside "cd /root && git -c advice.detachedHead=false clone -q isthmus.bundle isthmus && cd isthmus && git checkout -q $head" || fail "the clone failed"
  note "./dev run in the new machine"
  fresh_run || fail "./dev run failed in the new machine"
  note "./dev test ${*:-} in the new machine"
  inside "cd /root/isthmus && ./dev test --yes $*" || fail "./dev test failed in the new machine"
  note "both commands work on a new Debian 12"
}
