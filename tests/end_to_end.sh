#!/usr/bin/env bash
# Boundary predictors from nothing but two models and questions, and what they are good for. Prints the share of right
# answers and the teacher's share of the thinking; leaves everything in a folder.
#
#   tests/end_to_end.sh [MODELS [QUESTIONS [OUT]]]
#
# MODELS holds student.gguf and teacher.gguf (default: the shipped pair); the phrases that the annotator knows are those of
# `tessy lab phrases`, or MODELS' own in tests/phrases-*.txt, with PHRASES=tests.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
tessy=${TESSY:-$root/build/tessy}
models=${1:-$root/lab/models}
out=${3:-$(mktemp -d)}
questions=${2:-$out/questions.jsonl}
mkdir -p "$out"
[[ -e "$questions" ]] || "$tessy" lab questions --task CODE --count 600 --seed 42 --out "$questions"

for role in student teacher; do
  if [[ "${PHRASES:-}" == tests ]]; then
    cp "$root/tests/phrases-$role.txt" "$out/phrases-$role.txt"
  elif [[ ! -e "$out/phrases-$role.txt" ]]; then
    "$tessy" lab phrases --role both --out "$out/phrases-$role.txt"
  fi
  "$tessy" synth --questions "$questions" --$role "$models/$role.gguf" --method $role-only --temperature 0.95 \
    --out "$out/$role.jsonl" --progress none
  "$tessy" annotate --responses "$out/$role.jsonl" --annotator "phrases:$out/phrases-$role.txt" \
    --windows-per-response 3 --out "$out/$role-style.jsonl" --progress none
  "$tessy" train boundary --annotations "$out/$role-style.jsonl" --base "$models/$role.gguf" --lr 1e-3 \
    --threads 1 --out "$out/boundary-$role.gguf" --progress none
done
"$tessy" synth --questions "$questions" --student "$models/student.gguf" --teacher "$models/teacher.gguf" \
  --student-boundary "$out/boundary-student.gguf" --teacher-boundary "$out/boundary-teacher.gguf" \
  --temperature 0.7 --top-p 0.8 --top-k 20 --out "$out/tessy.jsonl" --progress none
"$tessy" eval --responses "$out/tessy.jsonl" --questions "$questions"

"$tessy" train sft --student "$models/student.gguf" --responses "$out/tessy.jsonl" --epochs 10 --batch-size 16 --lr 1e-4 \
  --schedule constant --warmup-steps 5 --out "$out/tuned.gguf" --progress none
echo "all of it: $out"
