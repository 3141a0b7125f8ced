"""Writes tests/goldens: tiny random Qwen3 models and what Hugging Face transformers computes with them.

Each folder holds a checkpoint as save_pretrained leaves it, golden.json (token ids, labels, loss, norm of the gradients),
golden.safetensors (states after the final norm, logits) and stepped.safetensors (the weights after one step of AdamW).
The token ids are below 416, the size of the vocabulary of lab/models/student.gguf, so that a converted checkpoint can take
that file's tokenizer.
"""
import json
import pathlib
import shutil
import sys

import torch
import transformers
from safetensors.torch import save_file

LENGTHS = [24, 17]
IGNORED = -100
# Epsilon is large enough that a gradient which is nothing but rounding does not make a whole step.
RATE, WEIGHT_DECAY, EPSILON = 1e-3, 0.01, 1e-6


def config(**more):
    return transformers.Qwen3Config(
        vocab_size=416, hidden_size=32, intermediate_size=56, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, head_dim=16, max_position_embeddings=256,
        rope_theta=10000.0, rms_norm_eps=1e-6, attention_bias=False, use_cache=False, **more)


def randomise(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(1.0 + 0.2 * noise if "norm" in name else 0.12 * noise)


def inputs(classes, seed):
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(0, 416, (len(LENGTHS), max(LENGTHS)), generator=generator)
    labels = torch.randint(0, classes, ids.shape, generator=generator) if classes else ids.clone()
    labels[torch.rand(ids.shape, generator=generator) < 0.3] = IGNORED
    mask = torch.ones_like(ids)
    for row, length in enumerate(LENGTHS):
        ids[row, length:], labels[row, length:], mask[row, length:] = 0, IGNORED, 0
    return ids, labels, mask


def state(model):
    # A tied output matrix is the embedding matrix; one of the two names is enough.
    skipped = {"lm_head.weight"} if model.config.tie_word_embeddings else set()
    return {name: tensor.detach().clone().contiguous()
            for name, tensor in model.state_dict().items() if name not in skipped}


def make(folder, model, seed):
    classes = getattr(model, "num_labels", 0) if "TokenClassification" in type(model).__name__ else 0
    randomise(model, seed)
    model.eval()  # while it trains, a classifier in training drops states at random
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    ids, labels, mask = inputs(classes, seed + 1)
    output = model(input_ids=ids, attention_mask=mask, labels=labels, output_hidden_states=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=WEIGHT_DECAY, eps=EPSILON)
    output.loss.backward()
    norm = torch.linalg.vector_norm(torch.stack([p.grad.norm() for p in model.parameters()]))
    save_file({"hidden": output.hidden_states[-1].detach().contiguous(),
               "logits": output.logits.detach().contiguous()}, str(folder / "golden.safetensors"))
    golden = {"input_ids": [row[:n] for row, n in zip(ids.tolist(), LENGTHS)],
              "labels": [row[:n] for row, n in zip(labels.tolist(), LENGTHS)],
              "loss": output.loss.item(), "gradient_norm": norm.item(),
              "rate": RATE, "weight_decay": WEIGHT_DECAY, "epsilon": EPSILON,
              "made_by": {"transformers": transformers.__version__, "torch": torch.__version__, "seed": seed}}
    (folder / "golden.json").write_text(json.dumps(golden) + "\n")
    optimizer.step()
    save_file(state(model), str(folder / "stepped.safetensors"))


def main():
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2] / "tests" / "goldens"
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float32)
    eager = {"attn_implementation": "eager"}
    causal, tokens = transformers.Qwen3ForCausalLM, transformers.Qwen3ForTokenClassification
    make(root / "tied", causal._from_config(config(tie_word_embeddings=True), **eager), 11)
    make(root / "untied", causal._from_config(config(tie_word_embeddings=False), **eager), 22)
    make(root / "classifier", tokens._from_config(config(tie_word_embeddings=True, num_labels=2), **eager), 33)


if __name__ == "__main__":
    main()
