"""The decoder of src/train in PyTorch, as it is commonly written, for bench/training.cc: prints tokens a second.

Reads one JSON object on standard input: the model's shape, batch, length, steps, threads.
"""
import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F


class Norm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6))


def rotate(x, cosines, sines):
    half = x.shape[-1] // 2
    turned = torch.cat((-x[..., half:], x[..., :half]), dim=-1)
    return x * cosines + turned * sines


class Block(nn.Module):
    def __init__(self, s):
        super().__init__()
        d = s["head_width"]
        self.heads, self.kv_heads, self.d = s["heads"], s["kv_heads"], d
        self.norm_1, self.norm_2 = Norm(s["width"]), Norm(s["width"])
        self.q_norm, self.k_norm = Norm(d), Norm(d)
        self.q = nn.Linear(s["width"], self.heads * d, bias=False)
        self.k = nn.Linear(s["width"], self.kv_heads * d, bias=False)
        self.v = nn.Linear(s["width"], self.kv_heads * d, bias=False)
        self.o = nn.Linear(self.heads * d, s["width"], bias=False)
        self.gate = nn.Linear(s["width"], s["feed_forward"], bias=False)
        self.up = nn.Linear(s["width"], s["feed_forward"], bias=False)
        self.down = nn.Linear(s["feed_forward"], s["width"], bias=False)

    def forward(self, x, cosines, sines, mask):
        b, t, _ = x.shape
        h = self.norm_1(x)
        q = self.q_norm(self.q(h).view(b, t, self.heads, self.d)).transpose(1, 2)
        k = self.k_norm(self.k(h).view(b, t, self.kv_heads, self.d)).transpose(1, 2)
        v = self.v(h).view(b, t, self.kv_heads, self.d).transpose(1, 2)
        q, k = rotate(q, cosines, sines), rotate(k, cosines, sines)
        shared = self.heads // self.kv_heads
        if shared > 1:
            k, v = k.repeat_interleave(shared, 1), v.repeat_interleave(shared, 1)
        scores = torch.matmul(q, k.transpose(2, 3)) * self.d**-0.5 + mask
        mixed = torch.matmul(F.softmax(scores, dim=-1), v).transpose(1, 2).reshape(b, t, -1)
        x = x + self.o(mixed)
        h = self.norm_2(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


class Decoder(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.s = s
        self.embed = nn.Embedding(s["vocabulary"], s["width"])
        self.blocks = nn.ModuleList(Block(s) for _ in range(s["layers"]))
        self.norm = Norm(s["width"])

    def forward(self, tokens):
        t = tokens.shape[1]
        d = self.s["head_width"]
        frequencies = 1.0 / (1e6 ** (torch.arange(0, d, 2).float() / d))
        angles = torch.outer(torch.arange(t).float(), frequencies)
        angles = torch.cat((angles, angles), dim=-1)
        mask = torch.full((t, t), float("-inf")).triu(1)
        x = self.embed(tokens)
        for block in self.blocks:
            x = block(x, angles.cos(), angles.sin(), mask)
        return F.linear(self.norm(x), self.embed.weight)


def main():
    s = json.load(sys.stdin)
    torch.set_num_threads(s["threads"])
    torch.manual_seed(0)
    model = Decoder(s)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.01)
    tokens = torch.randint(0, s["vocabulary"], (s["batch"], s["length"]))
    rates = []
    for step in range(s["steps"] + 2):
        begin = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        logits = model(tokens)
        loss = F.cross_entropy(logits[:, :-1].reshape(-1, s["vocabulary"]), tokens[:, 1:].reshape(-1))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        loss.item()
        if step >= 2:
            rates.append(s["batch"] * s["length"] / (time.perf_counter() - begin))
    rates.sort()
    print(json.dumps({"tokens_per_second": rates[len(rates) // 2], "torch": torch.__version__}))


if __name__ == "__main__":
    main()
