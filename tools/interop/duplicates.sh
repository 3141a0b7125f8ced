#!/usr/bin/env bash
# The search for near-duplicates beside datasketch 2.0.0 (PyPI), in one run on one core: makes questions with
# tessy_duplicates_bench, which also finds the true pairs by comparing all, and gives both the same file. Prints what each took
# and found. QUESTIONS=… how many (10000); PYTHON=… VENV=… BENCH=… TESSY=… name other programs and places.
#   make build bench-quick && tools/interop/duplicates.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
bench=${BENCH:-build/release/tessy_duplicates_bench}
tessy=${TESSY:-build/tessy}
venv=${VENV:-build/interop-duplicates}
for program in "$bench" "$tessy"; do
  [[ -x $program ]] || { echo "duplicates.sh: there is no $program; make build bench-quick" >&2; exit 1; }
done
[[ -x $venv/bin/python ]] || "${PYTHON:-python3}" -m venv "$venv"
"$venv/bin/python" -c 'import datasketch' 2>/dev/null || "$venv/bin/python" -m pip install -q datasketch==2.0.0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
core=$(taskset -cp $$ | sed -E 's/.*: ([0-9]+).*/\1/')
taskset -c "$core" "$bench" --questions "${QUESTIONS:-10000}" --alone --exact --write "$work/questions.jsonl"
echo -n "  datasketch         "
taskset -c "$core" "$venv/bin/python" tools/interop/duplicates_peer.py "$work/questions.jsonl"
echo -n "  tessy select       "
TIMEFORMAT='%U s CPU of the user, %S s of the system, from the file to the outputs'
time taskset -c "$core" "$tessy" select "$work/questions.jsonl" --out "$work/chosen.jsonl" --threads 1 >/dev/null
