"""Makes a folder that vLLM serves of a folder that `tessy model convert` wrote and of the .gguf it was made from.

Adds what a conversion leaves out, the tokenizer, and widens attention heads that vLLM's CPU kernels do not know (the lab's
models have heads of 16 and 24). A wider head computes the same: rotary pair j of d/2 goes to pair j*f of D/2, where D = f*d,
which turns at the same rate; the rest is zero. Norms over f times the width give sqrt(f) times the value, which is taken
back in the keys' weights, and wanted in the queries', whose product is divided by sqrt(D) in place of sqrt(d).
"""
import argparse
import json
import pathlib

import numpy
from gguf import GGUFReader
from safetensors.numpy import load_file, save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

SERVED_HEAD_WIDTHS = [32, 64, 80, 96, 112, 128, 160, 192, 224, 256]
CONTROL = 3  # the token type of markers in a .gguf


def byte_level_tokenizer(fields):
    if fields["tokenizer.ggml.model"] != "gpt2" or fields["tokenizer.ggml.pre"] != "gpt-2":
        raise SystemExit("only byte-level BPE that splits as GPT-2 does is known here")
    tokens = fields["tokenizer.ggml.tokens"]
    merges = [tuple(merge.split(" ")) for merge in fields["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    types = fields["tokenizer.ggml.token_type"]
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token, kind in zip(tokens, types) if kind == CONTROL])
    return tokenizer


def write_tokenizer(folder, fields):
    tokens = fields["tokenizer.ggml.tokens"]
    byte_level_tokenizer(fields).save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": tokens[fields["tokenizer.ggml.bos_token_id"]],
        "eos_token": tokens[fields["tokenizer.ggml.eos_token_id"]],
        "add_bos_token": bool(fields["tokenizer.ggml.add_bos_token"]),
        "clean_up_tokenization_spaces": False,
        "model_max_length": fields[f"{fields['general.architecture']}.context_length"],
        "chat_template": fields["tokenizer.chat_template"],
    }, indent=2) + "\n")


def places_in_wider_head(width, factor):
    """Where the elements of a head are in one that is `factor` times as wide."""
    half = width // 2
    pairs = numpy.arange(half) * factor
    return numpy.concatenate([pairs, pairs + half * factor])


def widen(tensors, config):
    width = config["head_dim"]
    wider = next((w for w in SERVED_HEAD_WIDTHS if w % width == 0), None)
    if wider is None:
        raise SystemExit(f"heads of {width}: no served width is a multiple")
    factor = wider // width
    if factor == 1:
        return tensors
    places = places_in_wider_head(width, factor)
    config["head_dim"] = wider
    widened = {}
    for name, tensor in tensors.items():
        kind = name.split(".")[-2]
        if kind in ("q_proj", "k_proj", "v_proj"):
            heads = tensor.reshape(-1, width, tensor.shape[1])
            tensor = numpy.zeros((heads.shape[0], wider, heads.shape[2]), tensor.dtype)
            tensor[:, places] = heads
            tensor = tensor.reshape(-1, tensor.shape[2])
        elif kind == "o_proj":
            heads = tensor.reshape(tensor.shape[0], -1, width)
            tensor = numpy.zeros((heads.shape[0], heads.shape[1], wider), tensor.dtype)
            tensor[:, :, places] = heads
            tensor = tensor.reshape(tensor.shape[0], -1)
        elif kind in ("q_norm", "k_norm"):
            narrow = tensor if kind == "q_norm" else tensor / numpy.sqrt(factor)
            tensor = numpy.zeros(wider, narrow.dtype)
            tensor[places] = narrow
        widened[name] = numpy.ascontiguousarray(tensor)
    return widened


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("gguf", help="where the tokenizer is")
    parser.add_argument("folder", type=pathlib.Path, help="with config.json and model.safetensors; changed in place")
    arguments = parser.parse_args()
    fields = {name: field.contents() for name, field in GGUFReader(arguments.gguf).fields.items()}
    config = json.loads((arguments.folder / "config.json").read_text())
    weights = arguments.folder / "model.safetensors"
    tensors = widen(load_file(weights), config)
    save_file(tensors, weights, metadata={"format": "pt"})
    config["bos_token_id"] = fields["tokenizer.ggml.bos_token_id"]
    config["eos_token_id"] = fields["tokenizer.ggml.eos_token_id"]
    (arguments.folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    write_tokenizer(arguments.folder, fields)


if __name__ == "__main__":
    main()
