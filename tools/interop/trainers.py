"""Trainers on rows that `tessy export` made, for trainers.sh: what each makes of them, and two steps of training.

    trainers.py TRAINER SET OUT     reads the folder SET by the recipe in it; OUT gets a line a row with its input_ids and
                                    labels, then the recipe trains two steps on the CPU (not Axolotl's)
    trainers.py compare TOKENIZER OURS OUT…
                                    holds each OUT against OURS, the rows of `tessy export --format trl --train-on
                                    capability`; prints a line for each, and fails if one differs

TRAINER is trl, llamafactory, ms-swift or axolotl. An OUT that ends in .part.jsonl was made of rows by part. Each trainer
runs in the Python that has it. Rows and recipes are taken as tessy wrote them; only what needs a graphics card is changed.
"""

import glob
import json
import os
import pathlib
import subprocess
import sys

NOT_IN_LOSS = -100
STEPS = 2


def write_rows(out, rows):
    with open(out, "w", encoding="utf-8") as file:
        for ids, labels in rows:
            file.write(json.dumps({"input_ids": [int(i) for i in ids], "labels": [int(i) for i in labels]}) + "\n")


def run(command, **more):
    """Runs a trainer's program; what it says is in run.log of the set, and shown where it fails."""
    with open("run.log", "ab") as log:
        status = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, **more).returncode
    if status != 0:
        sys.exit("".join(open("run.log", errors="replace").readlines()[-15:]) + f"{command[0]}: status {status}")


def versions(*packages):
    import importlib.metadata

    found = [f"{name} {importlib.metadata.version(name)}" for name in (*packages, "transformers", "torch")]
    print("    with " + ", ".join(found))


def run_trl(folder, out):
    os.chdir(folder)
    recipe = pathlib.Path("train_trl.py").read_text()
    for there, here in (("num_train_epochs=9", f"max_steps={STEPS}"), ("bf16=True", "bf16=False, use_cpu=True"),
                        ("gradient_accumulation_steps=128", "gradient_accumulation_steps=1"),
                        ('save_strategy="epoch"', 'save_strategy="no"'), ("trainer.save_model()", "")):
        assert recipe.count(there) == 1, there
        recipe = recipe.replace(there, here)
    names = {"__name__": "__main__"}
    exec(compile(recipe, "train_trl.py", "exec"), names)
    trainer = names["trainer"]
    batches = [trainer.data_collator([row]) for row in trainer.train_dataset]
    write_rows(out, [(batch["input_ids"][0], batch["labels"][0]) for batch in batches])
    assert trainer.state.global_step == STEPS
    versions("trl")


def run_llamafactory(folder, out):
    import yaml
    from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
    from llamafactory.hparams import get_train_args
    from llamafactory.model import load_tokenizer
    from llamafactory.train.tuner import run_exp

    os.chdir(folder)
    settings = yaml.safe_load(pathlib.Path("train_llamafactory.yaml").read_text())
    settings.update(bf16=False, use_cpu=True, max_steps=STEPS, gradient_accumulation_steps=1, save_strategy="no",
                    overwrite_cache=True, preprocessing_num_workers=1)
    model, data, training, _, _ = get_train_args(dict(settings))
    loaded = load_tokenizer(model)
    template = get_template_and_fix_tokenizer(loaded["tokenizer"], data)
    rows = get_dataset(template, model, data, training, stage="sft", **loaded)["train_dataset"]
    write_rows(out, [(row["input_ids"], row["labels"]) for row in rows])
    run_exp(dict(settings))
    versions("llamafactory")


def run_ms_swift(folder, out):
    from swift import get_processor, get_template, load_dataset

    os.chdir(folder)
    recipe = pathlib.Path("train_ms_swift.sh").read_text()
    model = next(line for line in recipe.splitlines() if line.startswith('student="')).split('"')[1]
    more = {"loss_scale": "default" if "--loss_scale default" in recipe else "last_round"}
    if "--is_binary_loss_scale false" in recipe:
        more["is_binary_loss_scale"] = False
    template = get_template(get_processor(model, model_type="qwen3"), template_type="qwen3", max_length=40960,
                            truncation_strategy="raise", **more)
    template.set_mode("train")
    data, _ = load_dataset("train.jsonl", split_dataset_ratio=0, num_proc=1)
    encoded = [template.encode(row) for row in data]
    write_rows(out, [(row["input_ids"], row["labels"]) for row in encoded])
    path = str(pathlib.Path(sys.executable).parent) + ":" + os.environ["PATH"]
    run(["bash", "train_ms_swift.sh", "--torch_dtype", "float32", "--max_steps", str(STEPS),
         "--gradient_accumulation_steps", "1", "--save_strategy", "no", "--model_type", "qwen3"],
        env={**os.environ, "PATH": path})
    versions("ms-swift")


def run_axolotl(folder, out):
    """Axolotl's own strategy for the rows, without its pools of processes; nothing is trained."""
    import yaml
    from axolotl.prompt_strategies import load
    from axolotl.utils.dict import DictDefault
    from transformers import AutoTokenizer

    os.chdir(folder)
    settings = DictDefault(yaml.safe_load(pathlib.Path("train_axolotl.yml").read_text()))
    data = settings.datasets[0]
    strategy = load(data.type, AutoTokenizer.from_pretrained(settings.base_model), settings, data)
    encode = strategy._tokenize_single_prompt if data.type == "chat_template" else strategy.tokenize_prompt
    encoded = [encode(row) for row in read(data.path)]
    write_rows(out, [(row["input_ids"], row["labels"]) for row in encoded])
    versions("axolotl")


# ---- Comparing.


def byte_of_sign():
    """The bytes for which the signs of byte-level vocabularies stand."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    signs = {chr(byte): byte for byte in plain}
    for count, byte in enumerate(byte for byte in range(256) if byte not in plain):
        signs[chr(256 + count)] = byte
    return signs


class Vocabulary:
    def __init__(self, path):
        data = json.loads(pathlib.Path(path).read_text())
        signs = byte_of_sign()
        self.pieces = {number: bytes(signs[sign] for sign in text) for text, number in data["model"]["vocab"].items()}
        self.pieces.update({token["id"]: token["content"].encode() for token in data["added_tokens"]})

    def text(self, row):
        """The text as bytes, and for each byte whether its token is in the loss."""
        pairs = [(self.pieces[i], label != NOT_IN_LOSS) for i, label in zip(row["input_ids"], row["labels"])]
        return b"".join(piece for piece, _ in pairs), [flag for piece, flag in pairs for _ in piece]


def read(path):
    return [json.loads(line) for line in open(path, encoding="utf-8")]


def whole(row):
    """Our row with all of the response in the loss: it begins with markup, which always is."""
    first = next(i for i, label in enumerate(row["labels"]) if label != NOT_IN_LOSS)
    return {**row, "labels": [NOT_IN_LOSS] * first + row["input_ids"][first:]}


# From good to bad. equal: the same tokens and labels. seams: the same text, and where labels differ a token of ours covers
# two parts. opening: besides, what opens the thinking and the newline behind the turn are not in the loss. last turn:
# the same, but earlier turns show their thinking.
VERDICTS = ["equal", "seams", "opening", "last turn", "loss", "text"]
OPENING, TURN = b"<think>\n", b"<|im_start|>assistant\n"


def last_turn(text, flags):
    start = text.rindex(TURN)
    return text[start:], flags[start:]


def differing(vocabulary, row, flags):
    """Bytes whose labels differ although their token of ours lies in one part of the other's."""
    at, found = 0, []
    for number, label in zip(row["input_ids"], row["labels"]):
        piece = flags[at:at + len(vocabulary.pieces[number])]
        if len(set(piece)) == 1 and piece[0] != (label != NOT_IN_LOSS):
            found.extend(range(at, at + len(piece)))
        at += len(vocabulary.pieces[number])
    return found


def judge(vocabulary, ours, theirs):
    if ours["input_ids"] == theirs["input_ids"] and ours["labels"] == theirs["labels"]:
        return "equal"
    (text, flags), (other, other_flags) = vocabulary.text(ours), vocabulary.text(theirs)
    if text.rstrip(b"\n") != other.rstrip(b"\n"):
        (text, flags), (other, other_flags) = last_turn(text, flags), last_turn(other, other_flags)
        end = len(text.rstrip(b"\n"))
        same = text[:end] == other.rstrip(b"\n") and flags[:end] == other_flags[:end]
        return "last turn" if same else "text"
    end = len(text.rstrip(b"\n"))  # the newline behind the turn is in nobody's answer
    found = [i for i in differing(vocabulary, ours, other_flags) if i < end]
    if not found:
        return "seams"
    start = text.rindex(TURN) + len(TURN)
    is_opening = text[start:].startswith(OPENING) and found == list(range(start, start + len(OPENING)))
    return "opening" if is_opening else "loss"


def compare(tokenizer, ours_path, others):
    vocabulary = Vocabulary(tokenizer)
    failed = False
    for path in others:
        by_part = path.endswith(".part.jsonl")
        expected = [row if by_part else whole(row) for row in read(ours_path)]
        results = {}
        for theirs in read(path):  # a trainer may shuffle
            found = [(judge(vocabulary, row, theirs), row["id"]) for row in expected]
            verdict, name = min(found, key=lambda pair: VERDICTS.index(pair[0]))
            results.setdefault(verdict, []).append(name if verdict != "text" else "?")
        failed = failed or "loss" in results or "text" in results
        print(f"    {pathlib.Path(path).stem}: " + "; ".join(f"{k}: {', '.join(v)}" for k, v in results.items()))
    sys.exit(failed)


RUNS = {"trl": run_trl, "llamafactory": run_llamafactory, "ms-swift": run_ms_swift, "axolotl": run_axolotl}

if __name__ == "__main__":
    if sys.argv[1] == "compare":
        compare(sys.argv[2], sys.argv[3], sys.argv[4:])
    else:
        RUNS[sys.argv[1]](pathlib.Path(sys.argv[2]).resolve(), pathlib.Path(sys.argv[3]).resolve())
