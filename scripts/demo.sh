#!/usr/bin/env bash
# The main job on shipped models: responses for a few questions, written by student and teacher in turns.
set -euo pipefail
cd "$(dirname "$0")/.."
models=lab/models
out=build/demo
mkdir -p "$out"
build/tessy synth --questions lab/demo/questions.jsonl \
  --student $models/student.gguf --teacher $models/teacher.gguf \
  --student-boundary $models/boundary-student.gguf --teacher-boundary $models/boundary-teacher.gguf \
  --out "$out/responses.jsonl"
build/tessy show "$out/responses.jsonl" --id CODE-5-0001/0
build/tessy show "$out/responses.jsonl" --id CODE-5-0001/0 --html "$out/trace.html" --force
echo
echo "All responses: $out/responses.jsonl. The trace above as a page: $out/trace.html"
