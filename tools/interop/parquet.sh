#!/usr/bin/env bash
# Parquet that tessy writes, read by pyarrow, one group of rows after another, and by Hugging Face's datasets (PyPI): the five
# samples of tests/goldens/export as `--format parquet`, and made-up responses of 100 MB, which take several groups.
# Needs Python 3.10 or later with venv, about 400 MB under build/interop-parquet. Prints a line a check, and the versions.
#   make build && tools/interop/parquet.sh
# TESSY=… WORK=… PYTHON=… name other programs and places.
set -euo pipefail
cd "$(dirname "$0")/../.."
tessy=${TESSY:-build/tessy}
work=${WORK:-build/interop-parquet}
python=$work/venv/bin/python
mkdir -p "$work"
[[ -x $tessy ]] || { echo "parquet.sh: there is no $tessy; make build" >&2; exit 1; }
if ! "$python" -c 'import pyarrow, datasets' 2>/dev/null; then
  "${PYTHON:-python3}" -m venv "$work/venv"
  "$python" -m pip install -q "pyarrow==26.0.1" "datasets==5.2.0"
fi
"$python" - "$work/large.jsonl" <<'PY'
import json, random, sys
random.seed(0)
words = [f"{random.getrandbits(40):x}" for _ in range(5000)]
with open(sys.argv[1], "w") as file:
    for i in range(1000):
        thinking = " ".join(random.choices(words, k=10_000))
        turns = [{"role": "user", "content": f"question {i}"},
                 {"role": "assistant", "content": f"<think>\n{thinking}\n</think>\n\n{i}"}]
        file.write(json.dumps({"id": f"q-{i}", "messages": turns}) + "\n")
PY
for name in samples large; do
  rows=tests/goldens/export/samples.jsonl
  [[ $name == large ]] && rows=$work/large.jsonl
  rm -rf "${work:?}/$name" "${work:?}/$name.lines"
  "$tessy" export "$rows" --format parquet --out "$work/$name" --log-level error >/dev/null
  "$tessy" export "$rows" --format messages --out "$work/$name.lines" --log-level error >/dev/null
done
HF_DATASETS_OFFLINE=1 HF_HUB_OFFLINE=1 HF_HOME=$work/huggingface "$python" - "$work" <<'PY'
import json, resource, sys
import datasets, pyarrow, pyarrow.parquet
work = sys.argv[1]
for name in ("samples", "large"):
    path = f"{work}/{name}/train.parquet"
    lines = open(f"{work}/{name}.lines/train.jsonl")
    file = pyarrow.parquet.ParquetFile(path)
    for group in range(file.num_row_groups):
        for row in file.read_row_group(group).to_pylist():
            assert row == json.loads(next(lines)), (name, group, row["id"])
    assert next(lines, None) is None
    print(f"{name}: {file.metadata.num_rows} rows in {file.num_row_groups} groups, each as its line; messages: "
          f"{file.schema_arrow.field('messages').type}")
    data = datasets.load_dataset("parquet", data_files=path, split="train")
    for row, line in zip(data, open(f"{work}/{name}.lines/train.jsonl"), strict=True):
        assert row == json.loads(line), (name, row["id"])
    print(f"{name}: datasets reads {len(data)} rows, each as its line")
print(f"pyarrow {pyarrow.__version__}, datasets {datasets.__version__}")
PY
"$tessy" --version
