#!/usr/bin/env python3
"""The .cc files that clang-tidy is to read, one a line, the largest first.

    scripts/lint_units.py BUILD BASE FILE…

BASE is a commit, or empty for all files. A file is named if it differs from BASE or includes, directly or not, a header of
ours that does. Files that the build does not compile are left out: clang-tidy would not know their flags.
"""
import json
import os
import re
import subprocess
import sys

build, base, files = sys.argv[1], sys.argv[2], sys.argv[3:]
INCLUDE = re.compile(r'^\s*#\s*include "([^"]+)"', re.MULTILINE)
FOLDERS = ["src", "tests", "bench"]  # where includes are looked for, beside the including file's own folder


def included(path):
    with open(path, encoding="utf-8") as source:
        names = INCLUDE.findall(source.read())
    for name in names:
        for folder in [os.path.dirname(path), *FOLDERS]:
            candidate = os.path.normpath(os.path.join(folder, name))
            if candidate in known:
                yield candidate
                break


known = set(files)
with open(os.path.join(build, "compile_commands.json")) as database:
    compiled = {os.path.relpath(entry["file"]) for entry in json.load(database)}
# clang 14 cannot parse libtorch's headers as C++20; that folder is formatted, and compiled with all warnings.
units = [f for f in files if f.endswith(".cc") and f in compiled and not f.startswith("src/train/torch/")]

if base:
    changed = subprocess.run(["git", "diff", "--name-only", base], check=True, capture_output=True, text=True).stdout.split("\n")
    new = subprocess.run(["git", "ls-files", "--others", "--exclude-standard"], check=True, capture_output=True, text=True).stdout
    dirty = (set(changed) | set(new.split("\n"))) & known
    if ".clang-tidy" not in changed:
        users = {f: set(included(f)) for f in files}
        growing = True
        while growing:
            reached = {f for f, names in users.items() if names & dirty} - dirty
            dirty |= reached
            growing = bool(reached)
        units = [f for f in units if f in dirty]

for unit in sorted(units, key=os.path.getsize, reverse=True):
    print(unit)
