#!/usr/bin/env bash
# clang-format over all of our C++, then clang-tidy with the short list of .clang-tidy over all of our .cc files.
set -euo pipefail
cd "$(dirname "$0")/.."
mapfile -t all < <(git ls-files --cached --others --exclude-standard 'src/*.cc' 'src/*.h' 'tests/*.cc' 'tests/*.h' 'bench/*.cc' 'bench/*.h')
clang-format --dry-run -Werror "${all[@]}"
echo "lint: ${#all[@]} files formatted as .clang-format says"
# clang 14 cannot parse libtorch 1.13's headers as C++20; that folder is formatted, and compiled with all warnings.
mapfile -t units < <(printf '%s\n' "${all[@]}" | grep '\.cc$' | grep -v '^src/train/torch/')
# The compiler database must exist; generated headers (embedded data) must, too.
cmake --build --preset release --target tessy >/dev/null
printf '%s\n' "${units[@]}" | xargs -P "$(nproc)" -n 4 clang-tidy -p build/release --quiet \
  --extra-arg=-Wno-unknown-warning-option 2> >(grep -v 'warnings generated' >&2)
echo "lint: clang-tidy has nothing to say of ${#units[@]} files"
