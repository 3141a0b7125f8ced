#!/usr/bin/env python3
"""What a build and a test run spent their time on: the slowest ten compilations and the slowest ten tests.

    scripts/slowest.py build/release build/asan …

Compilations are read from ninja's log, tests from GoogleTest's XML files in BUILD/test-results.
"""
import glob
import os
import sys
import xml.etree.ElementTree as tree

SHOWN = 10


def compilations(build):
    seconds = {}
    try:
        with open(os.path.join(build, ".ninja_log")) as log:
            for line in log:
                fields = line.rstrip("\n").split("\t")
                if len(fields) == 5 and fields[3].endswith((".o", ".gch")):
                    seconds[fields[3]] = (int(fields[1]) - int(fields[0])) / 1000
    except OSError:
        return
    for output, taken in seconds.items():
        # src/x/CMakeFiles/target.dir/y.cc.o is y.cc of the folder src/x.
        folder, _, rest = output.partition("CMakeFiles/")
        yield taken, f"{build}: {folder}{rest.partition('.dir/')[2] or rest}"


def tests(build):
    for path in glob.glob(os.path.join(build, "test-results", "*.xml")):
        for case in tree.parse(path).getroot().iter("testcase"):
            yield float(case.get("time", 0)), f"{build}: {case.get('classname')}.{case.get('name')}"


def show(title, rows):
    rows = sorted(rows, reverse=True)
    print(f"{title}: {sum(row[0] for row in rows):.0f} s in {len(rows)}; the slowest:")
    for taken, name in rows[:SHOWN]:
        print(f"  {taken:7.1f} s  {name}")


builds = sys.argv[1:]
show("compilations", [row for build in builds for row in compilations(build)])
show("tests", [row for build in builds for row in tests(build)])
