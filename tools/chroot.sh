#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A new Debian 12 in a folder, with this machine's apt sources, so that it reaches what this machine reaches. Sourced by ./dev, or called by a test:
#   chroot.sh make FOLDER | chroot.sh remove FOLDER

# chroot_inside FOLDER COMMAND: as root of the new machine, with an environment of its own.
chroot_inside() { chroot "$1" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 CI=true DEBIAN_FRONTEND=noninteractive bash -c "$2"; }

chroot_remove() {
  local mounted
  for mounted in sys dev/shm dev/pts dev proc; do
    mountpoint -q "$1/$mounted" && umount -l "$1/$mounted"
  done
  # Never remove through a mount that would not go away.
  if grep -q " $1/" /proc/mounts; then
    echo "something is still mounted below $1; it is left alone" >&2
  else
    rm -rf --one-file-system "$1"
  fi
}

# The apt sources, keys, proxy settings and certificates of this machine.
chroot_network() {
  cp -L /etc/resolv.conf /etc/hosts "$1/etc/"
  rm -f "$1/etc/apt/sources.list"
  local file
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
    [ -f "$file" ] && grep -q 'debian' "$file" && cp "$file" "$1/etc/apt/sources.list.d/"
  done
  [ -f "$1/etc/apt/sources.list.d/sources.list" ] && mv "$1/etc/apt/sources.list.d/sources.list" "$1/etc/apt/sources.list"
  apt-config dump | grep -iE '^Acquire::(http|https|Check-)[^ ]* "' >"$1/etc/apt/apt.conf.d/90host" || true
  if command -v npm >/dev/null 2>&1; then
    printf 'registry=%s\ncafile=/etc/ssl/certs/ca-certificates.crt\n' "$(npm config get registry 2>/dev/null)" >"$1/root/.npmrc"
  fi
}

# chroot_make FOLDER: the folder must be empty. Its output goes to FOLDER.log, which is shown when it fails.
chroot_make() {
  local mirror mounted
  mirror=$(sed -n 's/^URIs: *\(http[^ ]*debian\/\?\)$/\1/p' /etc/apt/sources.list.d/*.sources 2>/dev/null | head -n 1)
  chmod 755 "$1"
  debootstrap --variant=minbase bookworm "$1" "${mirror:-http://deb.debian.org/debian}" >"$1.log" 2>&1 || { tail -n 20 "$1.log" >&2; return 1; }
  rm -f "$1.log"
  for mounted in proc sys dev dev/pts dev/shm; do mount --rbind --make-rslave "/$mounted" "$1/$mounted" 2>/dev/null || mount --bind "/$mounted" "$1/$mounted"; done
  chroot_network "$1"
  chroot_inside "$1" 'apt-get -qq update && apt-get -qq install -y --no-install-recommends ca-certificates >/dev/null' || return 1
  # Whom this machine trusts: a proxy in between may sign with a certificate of its own.
  cp /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs/ca-certificates.crt"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  set -euo pipefail
  case "${1:-} ${2:-}" in
    "make "?*) chroot_make "$2" ;;
    "remove "?*) chroot_remove "$2" ;;
    *) echo "usage: chroot.sh make|remove FOLDER" >&2; exit 2 ;;
  esac
fi
