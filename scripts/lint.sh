#!/usr/bin/env bash
# clang-format over all of our C++, then clang-tidy with the short list of .clang-tidy.
# clang-tidy reads the .cc files that differ from the newest commit that is older than a day, and those that include a header
# that differs; with --all, or where there is no such commit, every .cc file. What it has read before it does not read again.
set -euo pipefail
cd "$(dirname "$0")/.."
build=build/release
mapfile -t all < <(git ls-files --cached --others --exclude-standard '*.cc' '*.h' | xargs -r ls -d 2>/dev/null)
clang-format --dry-run -Werror "${all[@]}"
echo "lint: ${#all[@]} files formatted as .clang-format says"

# The compiler database and the generated headers must exist. clang cannot read g++'s precompiled headers, so that the flags
# that name them go; then each file is also seen to include what it uses.
cmake --build --preset release --target tessy >/dev/null
mkdir -p $build/lint
sed -E 's/ -Winvalid-pch -include [^ ]+//' $build/compile_commands.json >$build/lint/compile_commands.json

base=""
[[ "${1:-}" == --all ]] || base=$(git rev-list -1 --before='1 day ago' HEAD 2>/dev/null || true)
# A file in which clang-tidy found nothing is not read again until something of what it saw has changed.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/tessy/lint
mkdir -p "$cache"
find "$cache" -type f -mtime +30 -delete
mapfile -t units < <(scripts/lint_units.py $build "$base" "${all[@]}")
unread=()
for unit in "${units[@]}"; do
  [[ -e $cache/${unit%% *} ]] || unread+=("$unit")
done
export build cache
read_one() {
  clang-tidy -p "$build/lint" --quiet --extra-arg=-Wno-unknown-warning-option "${1#* }" && touch "$cache/${1%% *}"
}
export -f read_one
if ((${#unread[@]})); then
  printf '%s\n' "${unread[@]}" | xargs -P "$(nproc)" -d '\n' -n 1 bash -c 'read_one "$1"' bash 2> >(grep -v 'warnings generated' >&2)
fi
echo "lint: clang-tidy has nothing to say of ${#units[@]} files${base:+ that changed since ${base:0:8}}" \
  "(${#unread[@]} read now, the others before)"
