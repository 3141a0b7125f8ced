#!/usr/bin/env bash
# Everything tessy needs to build, run and test: Debian packages, and the sources pinned in third_party/npm.lock.
# Safe to run any number of times; a second run does nothing. `--tests` also fetches what only tests read.
set -euo pipefail
cd "$(dirname "$0")/.."
wanted=build
browser=()
if [[ "${1:-}" == --tests ]]; then
  wanted='build|tests'
  browser=(chromium fonts-dejavu-core)  # shows the lab's page
fi

packages=(build-essential cmake ninja-build ccache git pkg-config openssl python3
  libboost1.81-dev libfmt-dev libspdlog-dev libcli11-dev libtomlplusplus-dev nlohmann-json3-dev
  libexpected-dev libsimdjson-dev libcurl4-openssl-dev libssl-dev libsqlite3-dev libgtest-dev libgmock-dev clang-format clang-tidy
  libtorch-dev libopenblas0-pthread "${browser[@]}")
command -v npm >/dev/null || packages+=(npm)

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if ((${#missing[@]})); then
  echo "setup: installing ${missing[*]}"
  as_root=()
  ((EUID == 0)) || as_root=(sudo)
  export DEBIAN_FRONTEND=noninteractive
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

deps=$PWD/build/deps
mkdir -p "$deps"
grep -E " ($wanted)\$" third_party/npm.lock | while read -r package integrity _; do
  name=${package##*/}
  name=${name%@*}
  target=$deps/$name
  [[ "$(cat "$target.lock" 2>/dev/null || true)" == "$integrity" ]] && continue
  echo "setup: fetching $package"
  rm -rf "$target" "$target.tmp"
  mkdir -p "$target.tmp"
  archive=$(cd "$target.tmp" && npm pack --silent --ignore-scripts "$package" 2>/dev/null) || {
    echo "setup: npm could not fetch $package; check that the npm registry is reachable, then run again" >&2
    exit 1
  }
  got=sha512-$(openssl dgst -sha512 -binary "$target.tmp/$archive" | base64 -w0)
  if [[ "$got" != "$integrity" ]]; then
    echo "setup: $package does not match third_party/npm.lock (got $got); not using it" >&2
    exit 1
  fi
  tar -xzf "$target.tmp/$archive" -C "$target.tmp"
  mv "$target.tmp/package" "$target"
  rm -rf "$target.tmp"
  if [[ "$name" == node-llama-cpp ]]; then
    rm -rf "$deps/llama.cpp"
    git clone -q -c advice.detachedHead=false "$target/llama/gitRelease.bundle" "$deps/llama.cpp"
  fi
  echo "$integrity" >"$target.lock"
done
