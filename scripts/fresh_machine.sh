#!/usr/bin/env bash
# Runs README's two commands on a bare Debian of today, as a new user would, and prints how long each took.
#
#   sudo scripts/fresh_machine.sh [bookworm|trixie] [--cache DIR] [--only demo|test]
#
# It makes a root folder with debootstrap, clones the commit that is checked out here into the home of an unprivileged user with
# sudo, and runs `make demo`, then `make test` there. Needs root, debootstrap, 12 GB of disk and an hour. --cache DIR keeps
# the packages and the compiler cache there for the next run; without it everything is fetched and compiled anew.
#
# All mounts are made in a private mount namespace and are gone with it. The host's /dev is never mounted: the root gets a
# tmpfs with the six usual nodes. The root is removed when the namespace is gone, without crossing file systems.
set -euo pipefail

suite=bookworm
cache=""
only=""
while (($#)); do
  case "$1" in
    bookworm | trixie) suite=$1 ;;
    --cache) cache=$(mkdir -p "$2" && realpath "$2") && shift ;;
    --only) only=$2 && shift ;;
    --inside) inside=$2 && shift ;;
    *) echo "fresh_machine: $1: give bookworm or trixie, --cache DIR, --only demo or test" >&2 && exit 1 ;;
  esac
  shift
done
((EUID == 0)) || { echo "fresh_machine: needs root: chroot, mounts and users; run it with sudo" >&2 && exit 1; }

if [[ -z "${inside:-}" ]]; then
  command -v debootstrap >/dev/null || { echo "fresh_machine: debootstrap is missing: apt-get install debootstrap" >&2 && exit 1; }
  repository=$(git -C "$(dirname "$0")" rev-parse --show-toplevel)
  root=$(mktemp -d "${TMPDIR:-/var/tmp}/tessy-fresh-$suite.XXXXXX")
  chmod 755 "$root"  # it is the root of an unprivileged user, too
  trap 'rm -rf --one-file-system "$root"' EXIT
  echo "fresh_machine: a bare $suite in $root"
  debootstrap --variant=minbase --include=sudo,git,make,ca-certificates ${cache:+--cache-dir="$cache"} "$suite" "$root" \
    http://deb.debian.org/debian >"$root.log" || { tail "$root.log" >&2 && exit 1; }
  rm -f "$root.log"
  git clone -q --no-hardlinks "$repository" "$root/clone"
  # Not exec: the root may be removed only when the namespace is gone.
  unshare --mount --pid --fork --propagation private \
    "$0" "$suite" ${cache:+--cache "$cache"} ${only:+--only "$only"} --inside "$root"
  exit
fi

root=$inside
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for node in null:3 zero:5 full:7 random:8 urandom:9; do mknod -m 666 "$root/dev/${node%:*}" c 1 "${node#*:}"; done
mknod -m 666 "$root/dev/tty" c 5 0
ln -s /proc/self/fd "$root/dev/fd"
for stream in stdin:0 stdout:1 stderr:2; do ln -s "/proc/self/fd/${stream#*:}" "$root/dev/${stream%:*}"; done
mkdir -m 1777 "$root/dev/shm"
mkdir "$root/dev/pts" && mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts" && ln -s pts/ptmx "$root/dev/ptmx"
cp /etc/resolv.conf "$root/etc/resolv.conf"
cp /etc/hosts "$root/etc/hosts"
# The certificates that this machine trusts, where it stands behind a proxy.
cat /etc/ssl/certs/ca-certificates.crt >>"$root/etc/ssl/certs/ca-certificates.crt"

chroot "$root" useradd --create-home --shell /bin/bash reader
echo 'reader ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/reader"
mv "$root/clone" "$root/home/reader/tessy"
if [[ -n "$cache" ]]; then
  mkdir -p "$cache/ccache-$suite" "$root/home/reader/.cache/ccache"
  mount --bind "$cache/ccache-$suite" "$root/home/reader/.cache/ccache"
  chroot "$root" chown reader: /home/reader/.cache/ccache
fi
chroot "$root" chown -R reader: /home/reader/tessy /home/reader/.cache 2>/dev/null || chroot "$root" chown -R reader: /home/reader/tessy

for target in ${only:-demo test}; do
  began=$SECONDS
  status=0
  chroot "$root" su - reader -c "cd tessy && make $target" </dev/null || status=$?
  echo "fresh_machine: $suite: make $target: $((SECONDS - began)) s, exit status $status"
  ((status == 0)) || exit "$status"
done
