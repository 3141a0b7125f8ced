#!/usr/bin/env bash
# What trainers make of exported rows, on the CPU: TRL, LLaMA-Factory, ms-swift and Axolotl (PyPI) read sets of the five samples
# of tests/goldens/export with the recipes beside them, their input_ids and labels are held against ours, and all but Axolotl
# train a tiny random student for two steps. Prints a line a set, and the versions. About 25 GB under build/interop-trainers
# (each brings its torch), Python 3.11, and 3.12 for Axolotl. Safe to run any number of times: what is there is kept.
#   make build && scripts/setup.sh --tests && tools/interop/trainers.sh [TRAINER…]
# TESSY=… WORK=… PYTHON=… PYTHON312=… PIP=… name other programs and places; PIP='uv pip install --python' is much faster.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools=$PWD/tools/interop
tessy=${TESSY:-build/tessy}
work=${WORK:-build/interop-trainers}
samples=tests/goldens/export/samples.jsonl
tokenizer=build/deps/tokenizer-qwen3/models
mkdir -p "$work"
work=$(cd "$work" && pwd)
export HF_HUB_OFFLINE=1 HF_DATASETS_OFFLINE=1 CUDA_VISIBLE_DEVICES='' TOKENIZERS_PARALLELISM=false HF_HOME=$work/huggingface
export WANDB_DISABLED=true AXOLOTL_DO_NOT_TRACK=1
for path in "$tessy" "$tokenizer"; do
  [[ -e $path ]] || { echo "trainers.sh: there is no $path; make build, scripts/setup.sh --tests" >&2; exit 1; }
done

# NAME, the Python, the packages. A torch with another CUDA than torchaudio's or torchvision's is none for LLaMA-Factory.
environment() {
  local name=$1 python=$2
  shift 2
  [[ -e $work/$name/ready ]] && return
  "$python" -m venv "$work/$name"
  if [[ -n ${PIP:-} ]]; then
    $PIP "$work/$name/bin/python" -q "$@"
  else
    "$work/$name/bin/python" -m pip install -q "$@"
  fi
  touch "$work/$name/ready"
}

install() {
  local python=${PYTHON:-python3.11}
  case $1 in
    trl) environment trl "$python" "trl==1.16.0" "transformers==5.24.0" torch datasets gguf ;;
    llamafactory)
      environment llamafactory "$python" "llamafactory==0.9.5" "torch==2.11.0" "torchaudio==2.11.0" "torchvision==0.26.0" ;;
    ms-swift) environment ms-swift "$python" "ms-swift==4.6.0" "transformers==5.19.0" torch ;;
    axolotl) environment axolotl "${PYTHON312:-python3.12}" "axolotl==0.21.0" ;;
    *) echo "trainers.sh: $1 is none of trl, llamafactory, ms-swift, axolotl" >&2; return 1 ;;
  esac
}

# NAME of the set, then flags of tessy export.
export_set() {
  local name=$1
  shift
  rm -rf "$work/sets/$name"
  "$tessy" export "$samples" --template-of "$work/student/student.gguf" --checkpoint "$work/student/checkpoint" \
    --log-level error --out "$work/sets/$name" "$@" >/dev/null
}

# TRAINER, NAME of the set.
try() {
  local out=$work/sets/$2.jsonl
  echo "$2"
  "$work/$1/bin/python" "$tools/trainers.py" "$1" "$work/sets/$2" "$out" >"$work/$2.log" 2>&1 ||
    { tail -15 "$work/$2.log" >&2; echo "trainers.sh: $2 failed; see $work/$2.log" >&2; return 1; }
  grep '^    with ' "$work/$2.log"
  "$work/trl/bin/python" "$tools/trainers.py" compare "$tokenizer/tokenizer.json" "$work/sets/ours/train.jsonl" "$out"
}

install trl
[[ -e $work/student/student.gguf ]] || "$work/trl/bin/python" "$tools/qwen3_student.py" "$tokenizer" "$work/student"
mkdir -p "$work/sets"
export_set ours --format trl --train-on capability
trainers=("$@")
((${#trainers[@]})) || trainers=(trl llamafactory ms-swift axolotl)
for trainer in "${trainers[@]}"; do
  install "$trainer"
  format=$trainer
  export_set "$trainer" --format "$trainer"
  try "$trainer" "$trainer"
  [[ $trainer == llamafactory ]] && continue
  [[ $trainer == axolotl ]] && format=axolotl-segments
  export_set "$trainer.part" --format "$format" --train-on capability
  try "$trainer" "$trainer.part"
done
"$tessy" --version
