"""Holds tessy against llama.cpp's own server, its own memory plan and what it says of failures, with two real models:
`real_models.py TESSY LLAMA_SERVER FOLDER`, called by real_models.sh. Prints a line a check; the status says whether all hold.

Greedy tokens are compared one sample at a time: where several are computed in one batch, kernels of other shapes add in
another order, and only `--exact` is the same to the letter. So that is looked at apart: the same texts one at a time and
four at a time, which is no comparison with llama.cpp, whose server has no such arithmetic.
"""
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import time

TOKENS = 64  # of a sample, unless it ends or repeats itself
COMPARED_MIN = 300  # for each model: fewer compare too little
CONTEXT = 2048
PLAN_SHARE = 0.15


def inventory(shelves):
    """A question of about 20 tokens a shelf."""
    people = [("screws", "Ada"), ("lamps", "Grace"), ("paper", "Alan")]
    lines = [f"{n}. Shelf {n % 7}: {n * 13 % 97} boxes of {people[n % 3][0]}, checked by {people[n % 3][1]}."
             for n in range(1, shelves + 1)]
    return "\n".join(["This is the inventory of a warehouse.", *lines, "Which shelf holds the most boxes, and why?"])


QUESTIONS = [
    {"id": "short", "prompt": "Why is the sky blue?"},
    {"id": "sum", "prompt": "A train leaves at 8:15 and arrives at 11:40. How long does it travel? Think step by step."},
    {"id": "code", "prompt": "Write a Python function that returns the n-th Fibonacci number, and explain it."},
    {"id": "story", "prompt": "Write a short story about a lighthouse keeper, a storm and a letter that came too late."},
    {"id": "scripts", "prompt": "Translate into English: „Der Zug nach Köln fährt um 8:15 Uhr ab.“ 你好，世界。 Привет! 🙂"},
    {"id": "turns", "messages": [{"role": "system", "content": "You answer in one short paragraph."},
                                 {"role": "user", "content": "What does a compiler do?"}]},
    # More than one batch of 512 tokens.
    {"id": "long", "prompt": inventory(36)},
]

failed = 0


def check(what, holds, figures):
    global failed
    failed += not holds
    print(f"{'holds' if holds else 'FAILS'}: {what}: {figures}", flush=True)


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


class Server:
    """llama-server with one model and one slot."""

    def __init__(self, program, model, log):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.log = log
        self.process = subprocess.Popen(
            [program, "-m", str(model), "--host", "127.0.0.1", "--port", str(self.port), "-c", str(CONTEXT), "-np", "1",
             "-t", "1", "--no-webui", "--swa-full", "--ctx-checkpoints", "0", "--cache-ram", "0"],
            stdout=open(log, "wb"), stderr=subprocess.STDOUT)

    def __enter__(self):
        for _ in range(600):
            try:
                if self.ask("/health")[0] == 200:
                    return self
            except OSError:
                pass
            if self.process.poll() is not None:
                break
            time.sleep(0.2)
        self.__exit__()
        sys.exit(f"real_models.py: llama-server did not come up; see {self.log}")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def ask(self, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        connection.request("GET" if body is None else "POST", path, body and json.dumps(body),
                           {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, json.loads(response.read())

    def post(self, path, **body):
        status, answer = self.ask(path, body)
        if status != 200:
            raise SystemExit(f"real_models.py: llama-server's {path}: {status} {answer}")
        return answer

    def prompt(self, question, has_template):
        messages = question.get("messages") or [{"role": "user", "content": question["prompt"]}]
        if has_template:
            text = self.post("/apply-template", messages=messages)["prompt"]
        else:  # as the family plain asks such a model
            text = "".join(message["content"] + "\n" for message in messages)
        return self.post("/tokenize", content=text, add_special=True, parse_special=True)["tokens"]

    def greedy(self, prompt, count):
        """How many tokens there are, and a list of (bytes, lead of the best token over the second in nats): one a token, but
        for a character in several tokens, which comes with the last of them, and not at all where that is missing."""
        answer = self.post("/completion", prompt=prompt, n_predict=count, temperature=0, n_probs=2, cache_prompt=False,
                           return_tokens=True)
        pieces = [(bytes(p["bytes"]), p["top_logprobs"][0]["logprob"] - p["top_logprobs"][1]["logprob"])
                  for p in answer.get("completion_probabilities", [])]
        return len(answer["tokens"]), pieces


class Run:
    """A finished `tessy synth`: its status, seconds, largest RSS, messages and files."""

    def __init__(self, tessy, folder, name, questions, *flags):
        self.out = folder / f"{name}.jsonl"
        self.out.unlink(missing_ok=True)
        shutil.rmtree(f"{self.out}.run", ignore_errors=True)
        asked = folder / f"{name}.questions.jsonl"
        asked.write_text("".join(json.dumps(question) + "\n" for question in questions))
        messages = folder / f"{name}.err"
        start = time.monotonic()
        with open(messages, "wb") as err:
            process = subprocess.Popen([tessy, "synth", "--questions", str(asked), "--out", str(self.out), "--progress", "none",
                                        "--context", str(CONTEXT), *map(str, flags)], stderr=err, stdin=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
        self.seconds = time.monotonic() - start
        self.status = os.waitstatus_to_exitcode(status)
        self.peak = usage.ru_maxrss * 1024
        self.messages = messages.read_text()
        if self.status not in (0, 2):
            raise SystemExit(f"real_models.py: {name}: tessy ended with {self.status}:\n{self.messages}")

    def rows(self):
        return lines_of(self.out)

    def failures(self):
        return lines_of(pathlib.Path(f"{self.out}.run/failures.jsonl"))

    def planned(self):
        """Bytes, by the line that begins with "memory:"."""
        line = next(line for line in self.messages.splitlines() if "memory:" in line)
        number, unit = re.search(r"([\d.]+) (B|KiB|MiB|GiB) at most of", line).groups()
        return float(number) * 1024 ** ["B", "KiB", "MiB", "GiB"].index(unit)

    def texts(self):
        """What was written for each question, finished or not: (bytes, tokens)."""
        found = {}
        for row in self.rows():
            content = row["messages"][-1]["content"]
            thinking = next(span for span in row["spans"] if span["kind"] == "thinking")
            found[row["question_id"]] = (content[thinking["start"]:thinking["end"]].encode(), thinking["tokens"])
        database = sqlite3.connect(f"file:{self.out}.run/run.sqlite?mode=ro", uri=True)
        for name, text, tokens in database.execute(
                "SELECT questions.name, attempts.text, attempts.tokens FROM attempts JOIN samples ON attempts.sample = samples.id"
                " JOIN questions ON samples.question = questions.id"):
            found.setdefault(name, (bytes(text), tokens))
        database.close()
        return found


def pieces_equal(text, pieces):
    """How many of the pieces, in their order, `text` begins with, and whether they are all of it but for a character that the
    last token left incomplete."""
    at = 0
    for i, (piece, _) in enumerate(pieces):
        if not text.startswith(piece, at):
            return i, False
        at += len(piece)
    return len(pieces), not text[at:].decode(errors="ignore")


def greedy_equals(tessy, server, folder, name, has_template):
    model = folder / f"{name}.gguf"
    run = Run(tessy, folder, f"greedy-{name}", QUESTIONS, "--student", model, "--student-family", "plain", "--method",
              "student-only", "--temperature", 0, "--retries", 0, "--concurrency", 1, "--max-thinking-tokens", TOKENS)
    texts = run.texts()
    equal, lead, prompts = 0, float("inf"), []
    with Server(server, model, folder / f"{name}.log") as llama:
        start = time.monotonic()
        for question in QUESTIONS:
            text, count = texts.get(question["id"], (b"", 0))
            prompt = llama.prompt(question, has_template)
            written, pieces = llama.greedy(prompt, count)
            same, whole = pieces_equal(text, pieces)
            if not whole or count == 0 or written != count:
                near = f"; there llama.cpp's best leads by {pieces[same][1]:.4f} nats" if same < len(pieces) else ""
                print(f"    {name}, {question['id']}: the first {same} of {count} tokens equal{near}; tessy wrote {text!r}, "
                      f"llama.cpp {written} tokens, {b''.join(piece for piece, _ in pieces)!r}")
                check(f"{name}, {question['id']}: greedy tokens are llama.cpp's", False, f"{same} of {count}")
            equal += count if whole else same
            lead = min([lead, *(more for _, more in pieces[:same])])
            prompts.append(len(prompt))
        asked = time.monotonic() - start
    check(f"{name}: greedy tokens are llama.cpp's, one sample at a time", equal >= COMPARED_MIN,
          f"{equal} tokens compared at {len(prompts)} prompts of {min(prompts)} to {max(prompts)} tokens, the closest choice by "
          f"{lead:.4f} nats; tessy {run.seconds:.1f} s, llama-server {asked:.1f} s")
    return run


def exact_equals(tessy, folder, name):
    model = folder / f"{name}.gguf"
    runs = [Run(tessy, folder, f"exact-{name}-{at_a_time}", QUESTIONS[:4], "--student", model, "--student-family", "plain",
                "--method", "student-only", "--retries", 0, "--exact", "--concurrency", at_a_time, "--max-thinking-tokens",
                TOKENS) for at_a_time in (1, 4)]
    alone, together = (run.texts() for run in runs)
    same = sum(alone[key] == together[key] for key in alone)
    check(f"{name}: --exact writes the same one and four at a time", len(alone) == 4 and same == 4,
          f"{same} of {len(alone)} texts, {sum(count for _, count in alone.values())} tokens; "
          f"{runs[0].seconds:.1f} s and {runs[1].seconds:.1f} s")


def within_plan(run, what, full=False):
    """The plan is the most that there may be; caches that are full come near it."""
    share = run.peak / run.planned() - 1
    check(f"{what}: the largest RSS is as planned", share <= PLAN_SHARE and (not full or share >= -PLAN_SHARE),
          f"{run.peak / 2**20:.0f} MiB, at most {run.planned() / 2**20:.0f} MiB planned ({share:+.1%}, allowed "
          f"{f'±{PLAN_SHARE:.0%}' if full else f'+{PLAN_SHARE:.0%}'}), {run.seconds:.1f} s")


def readable(failure):
    end = failure.get("text_end", "")
    return bool(end.strip()) and "\x00" not in end and end.count("\ufffd") <= 1


def closes_or_tells(run, what, samples, closed_min):
    rows, failures = run.rows(), run.failures()
    closed = [row for row in rows if row["closed_by"] and any(s["kind"] == "answer" for s in row["spans"])]
    told = [failure for failure in failures if failure["reason"] and readable(failure)]
    reasons = sorted({failure["reason"] for failure in failures})
    check(f"{what}: responses close, or fail with a text_end to read",
          len(closed) == len(rows) and len(told) == len(failures) and len(rows) + len(failures) == samples and
          len(rows) >= closed_min,
          f"{len(closed)} of {len(rows)} responses closed, {len(told)} of {len(failures)} failures readable"
          f"{' (' + ', '.join(reasons) + ')' if reasons else ''}, {run.seconds:.1f} s")


def pair(tessy, folder):
    models = ["--student", folder / "smollm2.gguf", "--teacher", folder / "gemma.gguf", "--teacher-family", "plain"]
    budget = ["--max-thinking-tokens", 200, "--max-answer-tokens", 400, "--retries", 1]
    for at_a_time in (1, 4):
        run = Run(tessy, folder, f"pair-{at_a_time}", QUESTIONS[:4], *models, *budget, "--concurrency", at_a_time)
        within_plan(run, f"the pair, {at_a_time} at a time")
        closes_or_tells(run, f"the pair, {at_a_time} at a time", 4, 0)
    full = Run(tessy, folder, "pair-full", [{"id": str(n), "prompt": inventory(88 + n)} for n in range(4)], *models,
               "--max-thinking-tokens", 60, "--retries", 0)
    within_plan(full, "the pair, 4 at a time, contexts nearly full of prompts", full=True)
    forced = Run(tessy, folder, "pair-forced", QUESTIONS[:4], *models, *budget, "--close-thinking", "force")
    within_plan(forced, "the pair, --close-thinking force")
    closes_or_tells(forced, "the pair, --close-thinking force", 4, 1)


def main():
    tessy, server, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    start = time.monotonic()
    for name, has_template in (("smollm2", True), ("gemma", False)):
        within_plan(greedy_equals(tessy, server, folder, name, has_template), f"{name} alone")
        exact_equals(tessy, folder, name)
    pair(tessy, folder)
    print(f"{'all checks hold' if failed == 0 else f'{failed} checks fail'}, {time.monotonic() - start:.0f} s")
    sys.exit(failed > 0)


main()
