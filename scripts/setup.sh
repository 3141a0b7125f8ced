#!/usr/bin/env bash
# Everything tessy needs to build, run and test: Debian packages, and the sources pinned in third_party/npm.lock.
# Safe to run any number of times; a second run does nothing. `--tests` also fetches what only tests read; `--vulkan-prebuilt`
# a library with ggml's Vulkan backend. `--cuda` and `--vulkan` look for what those builds need besides, and install none of it.
set -euo pipefail
cd "$(dirname "$0")/.."
wanted="build|$(uname -m)"
browser=()
judged=()
if [[ "${1:-}" == --tests ]]; then
  wanted+="|tests"
  browser=(chromium fonts-dejavu-core)  # shows the lab's page
  judged=(pypy3)                        # runs programs that are judged
fi

# What a build for a graphics card lacks, in one line.
lacks() {
  echo "setup: $1 (README.md, \"With a graphics card\")" >&2
  exit 1
}
case "${1:-}" in
  --cuda)
    if ! command -v nvcc >/dev/null; then
      for nvcc in "${CUDA_PATH:-/usr/local/cuda}/bin/nvcc" /usr/local/cuda/bin/nvcc; do
        [[ -x "$nvcc" ]] && lacks "CUDA=1 needs nvcc in PATH, and it is in ${nvcc%/*}: export PATH=\$PATH:${nvcc%/*}"
      done
      lacks "CUDA=1 needs NVIDIA's CUDA toolkit, and there is no nvcc; Debian has it in non-free as nvidia-cuda-toolkit"
    fi
    ;;
  --vulkan)
    absent=()
    command -v glslc >/dev/null || absent+=(glslc)
    if [[ -z "${VULKAN_SDK:-}" ]]; then
      [[ -e /usr/include/vulkan/vulkan.hpp ]] || absent+=(libvulkan-dev)
      [[ -e /usr/include/spirv/unified1/spirv.hpp ]] || absent+=(spirv-headers)
    fi
    ((${#absent[@]} == 0)) || lacks "VULKAN=1 needs what is missing here: sudo apt-get install ${absent[*]}"
    ;;
  --vulkan-prebuilt)
    wanted+='|vulkan'
    machine=$(uname -m)
    [[ "$machine" == x86_64 ]] || lacks "VULKAN=prebuilt is for x86_64, and this is $machine; VULKAN=1 builds it here"
    found=(/usr/lib/*/libvulkan.so.1)
    [[ -e "${found[0]}" || -n "${VULKAN_SDK:-}" ]] || lacks "VULKAN=prebuilt needs what is missing here: sudo apt-get install libvulkan1"
    ;;
esac

packages=(build-essential cmake ninja-build ccache git pkg-config openssl python3
  libfmt-dev libspdlog-dev libcli11-dev libtomlplusplus-dev nlohmann-json3-dev libexpected-dev libsimdjson-dev
  libcurl4-openssl-dev libssl-dev libsqlite3-dev zlib1g-dev libzstd-dev libutf8proc-dev libseccomp-dev libgtest-dev libgmock-dev clang-format clang-tidy
  libtorch-dev libopenblas0-pthread "${browser[@]}" "${judged[@]}")
command -v npm >/dev/null || packages+=(npm)

installed() { dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }

as_root=()
((EUID == 0)) || as_root=(sudo)
export DEBIAN_FRONTEND=noninteractive

distribution=$(. /etc/os-release 2>/dev/null && echo "$PRETTY_NAME" || echo "this system")
refuse() {
  echo "setup: $distribution: $1; README.md names the distributions that were tried. On another one, install what" \
    "scripts/setup.sh lists, then build with cmake --preset release && cmake --build --preset release" >&2
  exit 1
}
command -v apt-get >/dev/null || refuse "has no apt-get"

# The newest Boost from 1.81 on; Debian 12 packages 1.81 beside its default, Debian 13 has newer ones.
newest_boost() { sort -V | awk -F'[.-]' '$2 >= 81' | tail -1; }
boost=$(dpkg-query -W -f='${db:Status-Abbrev} ${Package}\n' 'libboost1.*-dev' 2>/dev/null |
  sed -nE 's/^ii +(libboost1\.[0-9]+-dev)$/\1/p' | newest_boost) || true  # dpkg-query fails where it knows of none

missing=()
for package in "${packages[@]}"; do installed "$package" || missing+=("$package"); done
if ((${#missing[@]})) || [[ -z "$boost" ]]; then
  "${as_root[@]}" apt-get update -qq || refuse "apt-get update failed; its messages are above"
  if [[ -z "$boost" ]]; then
    boost=$(apt-cache pkgnames libboost1. | grep -E '^libboost1\.[0-9]+-dev$' | newest_boost) || true
    [[ -n "$boost" ]] || refuse "it has no package of Boost 1.81 or newer (libboost1.81-dev)"
    missing+=("$boost")
  fi
  for package in "${missing[@]}"; do
    apt-cache show "$package" >/dev/null 2>&1 || refuse "it has no package $package"
  done
  echo "setup: installing ${missing[*]}"
  "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
    refuse "apt-get could not install the packages; its messages are above"
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
