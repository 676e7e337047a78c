#!/usr/bin/env python3
"""Word error rate, processor time and peak memory of the offline engine over recordings with references; and of
faster-whisper in the same run, where it is installed.

Usage: offline.py PROGRAM MANIFEST [--threads 2] [--model NAME]
  MANIFEST   tab-separated with a header: the columns "file" (relative to it), "reference" and, if there are any, "group" and
             "language" (others than en are left out)

Needs whisper-normalizer (pip install whisper-normalizer); without it the plain rule is used alone.
"""
import argparse
import csv
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time

parser = argparse.ArgumentParser()
parser.add_argument("program")
parser.add_argument("manifest")
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--model", default="moonshine-tiny-en")
arguments = parser.parse_args()

try:
    from whisper_normalizer.english import EnglishTextNormalizer
    normalised = EnglishTextNormalizer()
except ImportError:
    normalised = None


def plain(text):
    return re.sub(r"[^\w\s]", "", text.lower().replace("-", " "))


def distance(reference, hypothesis):
    row = list(range(len(hypothesis) + 1))
    for i, a in enumerate(reference, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(hypothesis, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


def rate(pairs, rule):
    errors = words = 0
    for reference, hypothesis in pairs:
        reference = rule(reference).split()
        errors += distance(reference, rule(hypothesis).split())
        words += len(reference)
    return 100 * errors / max(words, 1)


class Peak(threading.Thread):
    """The most that a process and its children had resident at once, in MB; and the processor time of the recognizer, which
    ends with the program and is waited for by nobody."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.process, self.most, self.done, self.recognizers = process, 0, False, {}

    def family(self, pid):
        yield pid
        try:
            for child in open(f"/proc/{pid}/task/{pid}/children").read().split():
                yield from self.family(int(child))
            for task in os.listdir(f"/proc/{pid}/task"):
                if int(task) != pid:
                    for child in open(f"/proc/{pid}/task/{task}/children").read().split():
                        yield from self.family(int(child))
        except OSError:
            return

    def run(self):
        page = os.sysconf("SC_PAGESIZE")
        while not self.done:
            total = 0
            for pid in set(self.family(self.process)):
                try:
                    total += int(open(f"/proc/{pid}/statm").read().split()[1]) * page
                    if b"__recognize" in open(f"/proc/{pid}/cmdline", "rb").read():
                        fields = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
                        self.recognizers[pid] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
                except OSError:
                    pass
            self.most = max(self.most, total >> 20)
            time.sleep(0.1)


def table(name, pairs, seconds, cpu, memory):
    cells = [f"{rate(pairs, normalised):.1f}" if normalised else "-", f"{rate(pairs, plain):.1f}"]
    print(f"| {name} | {' | '.join(cells)} | {cpu / seconds:.3f} | {memory} MB |")


folder = os.path.dirname(os.path.abspath(arguments.manifest))
rows = [row for row in csv.DictReader(open(arguments.manifest), delimiter="\t", quoting=csv.QUOTE_NONE)
        if row.get("language", "en") == "en" and row["reference"].strip()]
files = [os.path.join(folder, row["file"]) for row in rows]

with tempfile.TemporaryDirectory() as work:
    with open(f"{work}/p.toml", "w") as file:
        file.write(f'[engines.offline]\nmodel = "{arguments.model}"\nthreads = {arguments.threads}\n')
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(
        [arguments.program, "transcribe", "--config", f"{work}/p.toml", "--no-cache", "--quiet", "--formats", "json", "-o",
         f"{work}/out"] + files, stdout=subprocess.PIPE, text=True)
    peak = Peak(process.pid)
    peak.start()
    paths = process.communicate()[0].split("\n")[:-1]
    peak.done = True
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode or len(paths) != len(files):
        sys.exit(f"parlograph ended with {process.returncode}, {len(paths)} transcripts of {len(files)}")
    answers = [json.load(open(path)) for path in paths]
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime + sum(peak.recognizers.values())
    seconds = sum(answer["duration"] for answer in answers)
    pairs = [(row["reference"], answer["text"]) for row, answer in zip(rows, answers)]

print(f"{len(files)} recordings, {seconds:.0f} s\n")
print("| | word error rate, normalised | plain | processor s per s | peak memory |")
print("|---|---|---|---|---|")
table(f"parlograph, {arguments.model}, {arguments.threads} threads", pairs, seconds, cpu, peak.most)
for group in sorted({row.get("group", "") for row in rows} - {""}):
    part = [pair for pair, row in zip(pairs, rows) if row["group"] == group]
    print(f"| … {group} | {rate(part, normalised) if normalised else 0:.1f} | {rate(part, plain):.1f} | | |")

try:
    from faster_whisper import WhisperModel
except ImportError:
    sys.exit(0)
for name in ("tiny.en", "base"):
    model = WhisperModel(name, device="cpu", compute_type="int8", cpu_threads=1)
    start = time.process_time()
    texts = [" ".join(s.text for s in model.transcribe(path, beam_size=5, language="en")[0]) for path in files]
    cpu = time.process_time() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    table(f"faster-whisper, {name}, int8, beam 5", [(r["reference"], t) for r, t in zip(rows, texts)], seconds, cpu, memory)
