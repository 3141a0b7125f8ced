"""Near-duplicates by datasketch: `duplicates_peer.py QUESTIONS.jsonl`, called by duplicates.sh. The same normal form,
5-word shingles, threshold and verification as ours, 128 permutations; datasketch chooses its bands for the threshold.
Prints the CPU seconds of this process from the texts to the verified pairs, and how many pairs there are."""
import importlib.metadata
import json
import re
import resource
import sys
import time
import unicodedata

from datasketch import MinHash, MinHashLSH

THRESHOLD = 0.8
WORDS = 5


def shingles(text):
    normal = re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text).casefold()).strip()
    words = normal.split(" ")
    return {" ".join(words[i:i + WORDS]) for i in range(len(words) - WORDS + 1)} or {normal}


def main():
    with open(sys.argv[1], encoding="utf-8") as lines:
        texts = [json.loads(line)["prompt"] for line in lines]
    begin = time.process_time()
    index = MinHashLSH(threshold=THRESHOLD, num_perm=128)
    sets, found = [], 0
    for i, text in enumerate(texts):
        sets.append(shingles(text))
        signature = MinHash(num_perm=128)
        signature.update_batch([shingle.encode() for shingle in sets[i]])
        for j in index.query(signature):
            shared = len(sets[i] & sets[j])
            found += shared / (len(sets[i]) + len(sets[j]) - shared) >= THRESHOLD
        index.insert(i, signature)
    seconds = time.process_time() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{seconds:.2f} s CPU, {found} pairs, {index.b} bands of {index.r}, {peak} MiB at most, "
          f"datasketch {importlib.metadata.version('datasketch')}, Python {sys.version.split()[0]}")


main()
