#!/usr/bin/env python3
"""The .cc files that clang-tidy is to read, the largest first, each with the key of what clang-tidy would see: "KEY PATH" a line.

    scripts/lint_units.py BUILD BASE FILE…

BASE is a commit, or empty for all files. A file is named if it differs from BASE or includes, directly or not, a header of
ours that does. Files that the build does not compile are left out: clang-tidy would not know their flags.

The key is a hash of the file, the headers of ours that it includes, its flags, the checks, the version of clang-tidy, whatever
generated headers are made of, and the packages that are installed. Files of one key get one verdict.
"""
import hashlib
import json
import os
import re
import subprocess
import sys

build, base, files = sys.argv[1], sys.argv[2], sys.argv[3:]
INCLUDE = re.compile(r'^\s*#\s*include "([^"]+)"', re.MULTILINE)
FOLDERS = ["src", "tests", "bench"]  # where includes are looked for, beside the including file's own folder
known = set(files)


def bytes_of(path):
    try:
        with open(path, "rb") as source:
            return source.read()
    except OSError:
        return b""


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def included(path):
    for name in INCLUDE.findall(bytes_of(path).decode("utf-8")):
        for folder in [os.path.dirname(path), *FOLDERS]:
            candidate = os.path.normpath(os.path.join(folder, name))
            if candidate in known:
                yield candidate
                break


users = {f: set(included(f)) for f in files}
with open(os.path.join(build, "compile_commands.json")) as database:
    flags = {os.path.relpath(entry["file"]): entry["command"].replace(os.getcwd(), "") for entry in json.load(database)}
# clang 14 cannot parse libtorch's headers as C++20; that folder is formatted, and compiled with all warnings.
units = [f for f in files if f.endswith(".cc") and f in flags and not f.startswith("src/train/torch/")]

if base:
    changed = output("git", "diff", "--name-only", base).split("\n")
    new = output("git", "ls-files", "--others", "--exclude-standard").split("\n")
    dirty = (set(changed) | set(new)) & known
    if ".clang-tidy" not in changed:
        growing = True
        while growing:
            reached = {f for f, names in users.items() if names & dirty} - dirty
            dirty |= reached
            growing = bool(reached)
        units = [f for f in units if f in dirty]

digests = {f: hashlib.sha256(bytes_of(f)).digest() for f in files}
common = hashlib.sha256(output("clang-tidy", "--version").encode())
others = [f for f in output("git", "ls-files", "--cached", "--others", "--exclude-standard", "--", "src", "cmake", "CMakeLists.txt", "third_party").split("\n") if f not in known]
for path in [".clang-tidy", "scripts/lint.sh", "/var/lib/dpkg/status", *others]:
    common.update(hashlib.sha256(bytes_of(path)).digest())


def key(unit):
    seen, open_ends = {unit}, [unit]
    while open_ends:
        more = users[open_ends.pop()] - seen
        seen |= more
        open_ends.extend(more)
    own = common.copy()
    own.update(flags[unit].encode())
    for path in sorted(seen):
        own.update(path.encode() + digests[path])
    return own.hexdigest()


for unit in sorted(units, key=os.path.getsize, reverse=True):
    print(key(unit), unit)
