#!/usr/bin/env python3
"""Schemathesis and rounds on the same sandbox with the same defects: same server, same time, fresh instance each.

A finding counts if no clean run of the same tool made it. Results are appended to FOLDER/results.jsonl, so that a second
start goes on; the table is FOLDER/table.md. Not a benchmark of speed: nothing else must run, and both are given time.

usage: compare.py --rounds PROGRAM --schemathesis PROGRAM --folder FOLDER
                  [--only ID]... [--count 30] [--seconds 60] [--seeds 1,2] [--clean-seeds 1,2,11,12,13]
"""

import argparse
import collections
import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
# Beyond its own limit, for starting, reporting and stopping.
GRACE = 60


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", required=True)
    parser.add_argument("--schemathesis", required=True)
    parser.add_argument("--folder", required=True, type=pathlib.Path)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seeds", default="1,2")
    parser.add_argument("--clean-seeds", default="1,2,11,12,13")
    return parser.parse_args()


def chosen(program, only, count):
    """Defects, one of each class in turn; within a class in an order that nobody chose."""
    listed = json.loads(subprocess.check_output([program, "list", "defects", "--json"]))
    if only:
        return [defect for defect in listed if defect["id"] in only]
    classes = collections.defaultdict(list)
    for defect in sorted(listed, key=lambda defect: hashlib.sha256(defect["id"].encode()).hexdigest()):
        classes[defect["class"]].append(defect)
    picked = []
    while len(picked) < count and any(classes.values()):
        for name in sorted(classes):
            if classes[name] and len(picked) < count:
                picked.append(classes[name].pop(0))
    return sorted(picked, key=lambda defect: (defect["class"], defect["id"]))


@contextlib.contextmanager
def sandbox(program, defect, folder):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [program, "sandbox", "--port", str(port)]
    if defect:
        command += ["--defect", defect]
    base = f"http://127.0.0.1:{port}/fhir"
    with open(folder / "sandbox.log", "w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        for _ in range(100):
            if process.poll() is not None:
                raise SystemExit(f"the sandbox with {defect} ended at once: {(folder / 'sandbox.log').read_text()}")
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{base}/metadata", timeout=5).close()
                break
            time.sleep(0.1)
        yield base
    finally:
        process.terminate()
        process.wait(timeout=10)


def limited(command, seconds, folder):
    """Runs a program; at its limit it is asked to end, as by Ctrl-C, and reports what it has."""
    with open(folder / "output.txt", "w") as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output)
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout=GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def fresh(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


class Schemathesis:
    name = "Schemathesis"

    def __init__(self, options):
        self.options = options
        self.folder = options.folder / "schemathesis"
        self.baseline = self.folder / "baseline.json"

    def run(self, base, seed, folder, accept):
        description = folder / "openapi.json"
        with open(description, "w") as text:
            subprocess.check_call([sys.executable, HERE / "describe.py", base], stdout=text)
        shutil.copy(HERE / "schemathesis.toml", folder)
        baseline = folder / "baseline.json"
        if self.baseline.exists():
            shutil.copy(self.baseline, baseline)
        command = [
            self.options.schemathesis, "run", str(description), "-u", base, "--no-color",
            "--max-time", str(self.options.seconds), "--seed", str(seed), "--generation-database", "none",
            "--report", "json", "--report-json-path", "report.json", "--baseline", str(baseline),
        ]
        limited(command + (["--baseline-update"] if accept else []), self.options.seconds + GRACE, folder)
        report = folder / "report.json"
        if not report.exists():
            raise SystemExit(f"Schemathesis gave no report: {(folder / 'output.txt').read_text()[-2000:]}")
        if accept and baseline.exists():
            shutil.copy(baseline, self.baseline)
        failures = json.loads(report.read_text())["failures"]
        return sorted(f"{failure['code']} {operation}" for failure in failures for operation in failure["operations"])


class Rounds:
    name = "rounds"

    def __init__(self, options):
        self.options = options
        self.folder = options.folder / "rounds"
        self.baseline = self.folder / "baseline.json"

    def run(self, base, seed, folder, accept):
        # Properties first, then the conformance suites, in one time.
        found, ends = set(), time.monotonic() + self.options.seconds
        for suite in ("property/core", "core"):
            left = ends - time.monotonic()
            if left > 1:
                found |= self.suite(base, seed, folder, suite, left)
        known = set(json.loads(self.baseline.read_text())) if self.baseline.exists() else set()
        if accept:
            self.baseline.write_text(json.dumps(sorted(known | found)))
        return sorted(found - known)

    def suite(self, base, seed, folder, suite, seconds):
        report = folder / f"{suite.replace('/', '-')}.json"
        command = [
            self.options.rounds, "run", suite, "-t", base, "--allow-writes", "--allow-load",
            "--seed", format(seed, "x"), "--report", f"json={report}",
        ]
        limited(command, seconds, folder)
        if not report.exists() or not report.read_text():
            raise SystemExit(f"rounds gave no report: {(folder / 'output.txt').read_text()[-2000:]}")
        cases = json.loads(report.read_text())["cases"]
        return {f"{case['id']}#{finding['rule']}" for case in cases for finding in case["findings"]}


class Results:
    """Rows that are done, one per line."""

    def __init__(self, path):
        self.path = path
        self.rows = {}
        if path.exists():
            for line in path.read_text().splitlines():
                row = json.loads(line)
                self.rows[self.key(row)] = row

    @staticmethod
    def key(row):
        return (row["tool"], row["defect"], row["seed"], row["seconds"])

    def add(self, row):
        self.rows[self.key(row)] = row
        with open(self.path, "a") as text:
            text.write(json.dumps(row) + "\n")


def trial(tool, defect, seed, options, results):
    row = {"tool": tool.name, "defect": defect, "seed": seed, "seconds": options.seconds}
    if Results.key(row) in results.rows:
        return
    folder = fresh(tool.folder / f"{defect or 'clean'}-{seed}")
    with sandbox(options.rounds, defect, folder) as base:
        began = time.monotonic()
        row["found"] = tool.run(base, seed, folder, accept=defect is None)
        row["took"] = round(time.monotonic() - began, 1)
    results.add(row)
    print(f"{tool.name:13} {defect or 'clean':32} seed {seed}: {len(row['found'])} new, {row['took']} s", flush=True)


def cell(rows):
    found = [row["found"] for row in rows]
    hits = [finding for finding in found if finding]
    if not rows:
        return "–"
    if not hits:
        return f"0 of {len(rows)}"
    return f"{len(hits)} of {len(rows)}: `{hits[0][0]}`".replace("|", "\\|")


def table(tools, defects, seeds, options, results):
    def rows(tool, defect):
        keys = [(tool.name, defect, seed, options.seconds) for seed in seeds]
        return [results.rows[key] for key in keys if key in results.rows]

    names = [tool.name for tool in tools]
    lines = [
        f"{len(defects)} defects, {options.seconds} s each, seeds {options.seeds}; a finding counts if no clean run of the "
        "same tool made it. Shown: seeds that found something, and the first finding.",
        "",
        "| defect | class | " + " | ".join(names) + " |",
        "|---|---|" + "---|" * len(tools),
    ]
    for defect in defects:
        cells = [cell(rows(tool, defect["id"])) for tool in tools]
        lines.append(f"| {defect['id']} | {defect['class']} | " + " | ".join(cells) + " |")

    def detected(tool, seed):
        found = (results.rows.get((tool.name, defect["id"], seed, options.seconds)) for defect in defects)
        return sum(1 for row in found if row and row["found"])

    sums = [", ".join(f"{detected(tool, seed)} of {len(defects)} (seed {seed})" for seed in seeds) for tool in tools]
    lines.append("| **sum** | | " + " | ".join(sums) + " |")

    def ever(tool):
        return {defect["id"] for defect in defects if any(row["found"] for row in rows(tool, defect["id"]))}

    first, second = tools
    for one, other in ((first, second), (second, first)):
        only = sorted(ever(one) - ever(other))
        lines += ["", f"Found by {one.name} alone ({len(only)}): {', '.join(only) or 'none'}."]
    (options.folder / "table.md").write_text("\n".join(lines) + "\n")


def main():
    options = arguments()
    options.folder = options.folder.resolve()
    options.folder.mkdir(parents=True, exist_ok=True)
    options.rounds = os.path.realpath(options.rounds)
    results = Results(options.folder / "results.jsonl")
    tools = [Schemathesis(options), Rounds(options)]
    for tool in tools:
        tool.folder.mkdir(exist_ok=True)
        for seed in map(int, options.clean_seeds.split(",")):
            trial(tool, None, seed, options, results)
    defects = chosen(options.rounds, options.only, options.count)
    seeds = [int(seed) for seed in options.seeds.split(",")]
    for defect in defects:
        for seed in seeds:
            for tool in tools:
                trial(tool, defect["id"], seed, options, results)
        table(tools, defects, seeds, options, results)
    print((options.folder / "table.md").read_text())


if __name__ == "__main__":
    main()
