"""What our adapter builds on, asked of a running vLLM: `vllm_facts.py PORT POOLING_PORT`, for the lab's teacher and the
student's predictor. Prints one line a fact; the status says whether all of them hold."""
import http.client
import json
import sys
import time

PROMPT = "<bos> CODE 12 + 10 + 4 * 10<think>"
failed = 0


def check(fact, holds, seen=""):
    global failed
    failed += not holds
    print(f"{'holds' if holds else 'FAILS'}: {fact}" + ("" if holds else f"; seen: {seen}"))


class Server:
    def __init__(self, port, model):
        self.port, self.model = port, model

    def connect(self, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Content-Type": "application/json"}
        connection.request("GET" if body is None else "POST", path, body and json.dumps(body), headers)
        return connection, connection.getresponse()

    def ask(self, path, body=None):
        connection, response = self.connect(path, body)
        text = response.read().decode()
        connection.close()
        try:
            return response.status, json.loads(text)
        except ValueError:
            return response.status, text

    def stream(self, until=0, **more):
        """The choices of the events, and whether [DONE] came; the connection is closed after `until` events."""
        body = {"model": self.model, "stream": True, "temperature": 0, "skip_special_tokens": False,
                "return_token_ids": True, "prompt": PROMPT} | more
        connection, response = self.connect("/v1/completions", body)
        events = []
        for line in response:
            if line.startswith(b"data: [DONE]"):
                return events, True
            if line.startswith(b"data: "):
                events += json.loads(line[6:])["choices"]
            if until and len(events) >= until:
                break
        response.close()
        connection.close()
        return events, False

    def counter(self, name):
        text = self.ask("/metrics")[1]
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name + "{"))


def probing(server):
    status, body = server.ask("/props")
    check("/props is 404 and names no error", status == 404 and body == {"detail": "Not Found"}, (status, body))
    model = server.ask("/v1/models")[1]["data"][0]
    check("/v1/models says owned_by vllm and max_model_len",
          (model["owned_by"], model["max_model_len"]) == ("vllm", 256), model)
    check("/health is 200 and empty", server.ask("/health") == (200, ""))
    tokens = server.ask("/tokenize", {"prompt": PROMPT, "add_special_tokens": False})[1]["tokens"]
    check("/tokenize reads markers as single tokens", tokens[0] == 0 and tokens[-1] == 2, tokens)
    told = server.ask("/tokenize", {"messages": [{"role": "user", "content": "CODE 12 + 10 + 4 * 10"}]})[1]["tokens"]
    check("/tokenize renders messages by the template", told == tokens, told)
    text = server.ask("/detokenize", {"tokens": tokens})[1]["prompt"]
    check("/detokenize shows markers and puts no blanks between", text == PROMPT, text)
    return tokens


def streaming(server, tokens):
    events, done = server.stream(max_tokens=100)
    ids = [i for event in events for i in event["token_ids"]]
    check("a stream ends with [DONE], its last event with the end token, without text",
          done and ids[-1] == 1 and events[-1]["text"] == "" and events[-1]["finish_reason"] == "stop" and
          events[-1]["stop_reason"] is None, events[-1])
    check("the prompt's ids come with the first event alone",
          events[0]["prompt_token_ids"] == tokens and all(e["prompt_token_ids"] is None for e in events[1:]))
    check("</think> comes as text and id", ("</think>", [3]) in [(e["text"], e["token_ids"]) for e in events])
    by_ids, _ = server.stream(max_tokens=100, prompt=tokens)
    # How many of them an event brings is chance.
    check("ids as a prompt give what its text gives", [i for e in by_ids for i in e["token_ids"]] == ids, by_ids)
    pieces, _ = server.stream(structured_outputs={"regex": "\U0001F600{2}"}, max_tokens=6)
    check("the text of a character comes with its last piece, and never where the limit cuts",
          [e["text"] for e in pieces] == ["", "", "", "\U0001F600", "", ""] and len(pieces[-1]["token_ids"]) == 1, pieces)
    cut, _ = server.stream(prompt=[5] * 250, max_tokens=100, ignore_eos=True)
    check("max_tokens beyond what is left of the context is cut silently, and ends with length",
          sum(len(e["token_ids"]) for e in cut) == 6 and cut[-1]["finish_reason"] == "length", cut[-1])


def closing(server):
    before = server.counter("vllm:generation_tokens_total")
    server.stream(until=10, max_tokens=240, ignore_eos=True)
    time.sleep(1)
    generated = server.counter("vllm:generation_tokens_total") - before
    check("closing the connection stops generation",
          generated < 60 and server.counter("vllm:num_requests_running") == 0, generated)


def errors(server):
    def error(**more):
        status, body = server.ask("/v1/completions", {"model": server.model, "prompt": "a", "max_tokens": 4} | more)
        return status, body.get("error", {}).get("message", body)
    status, message = error(prompt=[5] * 300)
    check("a prompt longer than the context is 400 and says so",
          status == 400 and "maximum context length is 256" in message, (status, message))
    status, message = error(prompt=[5] * 256)
    check("a prompt that fills the context is 400 of max_tokens",
          status == 400 and message.startswith("max_tokens must be at least 1"), (status, message))
    status, message = error(max_tokens=257)
    check("max_tokens beyond the whole context is 400 of max_tokens",
          status == 400 and message.startswith("max_tokens=257 cannot be greater than max_model_len=256"), (status, message))
    check("a wrong name is 404", error(model="another")[0] == 404)
    check("an id out of the vocabulary is 400", error(prompt=[0, 99999])[0] == 400)


def pooling(server):
    def ask(inputs, **more):
        status, body = server.ask("/pooling", {"model": server.model, "input": inputs, "task": "token_classify"} | more)
        return [entry["data"] for entry in body["data"]] if status == 200 else (status, body["error"]["message"])
    ids = [361, 283, 292, 289, 48, 331]
    rows = ask([ids, ids[:2]])
    check("/pooling gives a row of probabilities for each token of each input",
          [len(r) for r in rows] == [6, 2] and all(abs(sum(row) - 1) < 1e-5 for r in rows for row in r), rows)
    check("it looks back only", max(abs(a - b) for x, y in zip(rows[0], rows[1]) for a, b in zip(x, y)) < 1e-5)
    check("truncation keeps the beginning unless told its side",
          len(ask([ids], truncate_prompt_tokens=2)[0]) == 2 and
          abs(ask([ids], truncate_prompt_tokens=2)[0][1][0] - rows[1][1][0]) < 1e-5)
    left = ask([ids], truncate_prompt_tokens=2, truncation_side="left")[0]
    check('with truncation_side "left" it keeps the end', abs(left[1][0] - ask([ids[-2:]])[0][1][0]) < 1e-5, left)
    check("an input too long is 400", ask([[5] * 300])[0] == 400)


teacher = Server(int(sys.argv[1]), "teacher")
prompt_tokens = probing(teacher)
streaming(teacher, prompt_tokens)
closing(teacher)
errors(teacher)
pooling(Server(int(sys.argv[2]), "boundary-student"))
sys.exit(failed > 0)
