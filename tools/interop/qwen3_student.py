"""A student of the Qwen3 architecture with random weights, for trainers.sh.

    qwen3_student.py TOKENIZER OUT

TOKENIZER is a folder with tokenizer.json and tokenizer_config.json. OUT gets `checkpoint`, as Hugging Face has it, and
`student.gguf`: the same vocabulary and chat template without weights, for `tessy export --template-of`.
"""

import json
import pathlib
import shutil
import sys

import gguf
import torch
import transformers

NORMAL, CONTROL, USER_DEFINED, UNUSED = 1, 3, 4, 5
END_OF_TEXT, END_OF_TURN = 151643, 151645
ROWS = 151936  # of the embedding: more than there are tokens, as in the published checkpoints


def write_checkpoint(tokenizer, out):
    out.mkdir(parents=True, exist_ok=True)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tokenizer / name, out)
    torch.manual_seed(0)
    config = transformers.Qwen3Config(
        vocab_size=ROWS, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, head_dim=16, max_position_embeddings=40960, tie_word_embeddings=True,
        bos_token_id=None, eos_token_id=END_OF_TURN, pad_token_id=END_OF_TEXT)
    transformers.Qwen3ForCausalLM(config).save_pretrained(out)


def write_gguf(tokenizer, out):
    data = json.loads((tokenizer / "tokenizer.json").read_text())
    tokens = [f"[PAD{i}]" for i in range(ROWS)]
    types = [UNUSED] * ROWS
    for text, number in data["model"]["vocab"].items():
        tokens[number], types[number] = text, NORMAL
    for token in data["added_tokens"]:
        tokens[token["id"]] = token["content"]
        types[token["id"]] = CONTROL if token["special"] else USER_DEFINED
    writer = gguf.GGUFWriter(str(out), "qwen3")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in data["model"]["merges"]])
    writer.add_bos_token_id(END_OF_TEXT)
    writer.add_eos_token_id(END_OF_TURN)
    writer.add_add_bos_token(False)
    writer.add_chat_template(json.loads((tokenizer / "tokenizer_config.json").read_text())["chat_template"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


tokenizer, out = map(pathlib.Path, sys.argv[1:3])
write_checkpoint(tokenizer, out / "checkpoint")
write_gguf(tokenizer, out / "student.gguf")
