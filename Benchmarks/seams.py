#!/usr/bin/env python3
"""What cutting costs: recordings with references through an engine whole and in chunks of several lengths.

Usage: seams.py PROGRAM FOLDER [--engine offline] [--config FILE] [--targets 15,30,60] [--runs 3]
  FOLDER     recordings, each with its reference beside it: talk.mp3 and talk.txt; and, if there is one, talk.words.tsv, with
             word, start and end in seconds in columns
  --engine   of the configuration; "offline" needs none
  --config   a configuration with that engine, whose section says nothing of chunk_target_seconds and chunk_max_seconds
  --targets  seconds of a chunk; "whole" comes first by itself: as long as the engine takes
  --runs     of each, each with a moment of silence more in front, so that what the engine makes of the same words at another
             place is known: the noise floor

Prints for each length: chunks, word error rate of each run, its mean and its spread; words lost and doubled within 2 s of
cuts and elsewhere, for 100 words each; how far cues begin from their first words, in the mean and at the 95th percentile;
words that no cue shows, over stretches of 2 s and more. Needs ffmpeg; whisper-normalizer where it is installed.
"""
import argparse
import csv
import json
import os
import re
import subprocess
import sys
import tempfile

parser = argparse.ArgumentParser()
parser.add_argument("program")
parser.add_argument("folder")
parser.add_argument("--engine", default="offline")
parser.add_argument("--config")
parser.add_argument("--targets", default="15,30,60")
parser.add_argument("--runs", type=int, default=3)
arguments = parser.parse_args()

# What the offline engine's models hear at once; the configuration allows no more.
OFFLINE_SECONDS = 30
# Of the longest chunks that are asked for: what the size of the file allows comes first.
WHOLE_SECONDS = 7200
SHIFT_SECONDS = 0.37
NEAR_SECONDS = 2.0

try:
    from whisper_normalizer.english import EnglishTextNormalizer
    normalised = EnglishTextNormalizer()
except ImportError:
    def normalised(text):
        return re.sub(r"[^\w\s]", "", text.lower().replace("-", " "))


def recordings(folder):
    for name in sorted(os.listdir(folder)):
        stem, ending = os.path.splitext(name)
        if ending.lower() in (".mp3", ".wav", ".flac", ".ogg", ".m4a", ".opus"):
            reference = os.path.join(folder, stem + ".txt")
            if os.path.exists(reference):
                yield os.path.join(folder, name), open(reference).read(), os.path.join(folder, stem + ".words.tsv")


def alignment(reference, heard):
    """Pairs of places, None where one side has nothing: the fewest substitutions, deletions and insertions."""
    width = len(heard) + 1
    rows = [list(range(width))]
    for i, word in enumerate(reference, 1):
        row, before = [i], rows[-1]
        for j, other in enumerate(heard, 1):
            row.append(min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (word != other)))
        rows.append(row)
    pairs, i, j = [], len(reference), len(heard)
    while i or j:
        if i and j and rows[i][j] == rows[i - 1][j - 1] + (reference[i - 1] != heard[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif i and rows[i][j] == rows[i - 1][j] + 1:
            i -= 1
            pairs.append((i, None))
        else:
            j -= 1
            pairs.append((None, j))
    return pairs[::-1]


def placed_words(answer):
    """The normalised words of a transcript with a time each: that of the segment's words, or a share of the segment."""
    out = []
    for segment in answer["segments"]:
        words = normalised(segment["text"]).split()
        length = (segment["end"] - segment["start"]) / max(1, len(words))
        out += [(word, segment["start"] + (at + 0.5) * length) for at, word in enumerate(words)]
    return out


def cues(text):
    def seconds(time):
        hours, minutes, rest = time.replace(",", ".").split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(rest)
    for block in text.strip().split("\n\n"):
        lines = block.split("\n")
        start, end = lines[1].split(" --> ")
        yield seconds(start), seconds(end), " ".join(lines[2:])


class Figures:
    def __init__(self):
        self.errors = self.words = self.chunks = 0
        self.near = {"words": 0, "lost": 0, "doubled": 0}
        self.far = {"words": 0, "lost": 0, "doubled": 0}
        self.starts, self.holes = [], 0.0

    def add(self, answer, subtitles, reference, truth, shift):
        heard = placed_words(answer)
        said = normalised(reference).split()
        pairs = alignment(said, [word for word, _ in heard])
        self.words += len(said)
        self.errors += sum(1 for i, j in pairs if i is None or j is None or said[i] != heard[j][0])
        self.chunks += answer["chunks_processed"]
        cuts = [chunk["start"] for chunk in answer["chunks"]][1:]
        time = 0.0
        for i, j in pairs:
            time = heard[j][1] if j is not None else time
            part = self.near if any(abs(cut - time) <= NEAR_SECONDS for cut in cuts) else self.far
            part["words"] += 1
            part["lost"] += j is None
            # An inserted word that its neighbour is as well.
            part["doubled"] += i is None and any(
                0 <= k < len(heard) and heard[k][0] == heard[j][0] for k in (j - 1, j + 1))
        if truth:
            self.add_cues(list(cues(subtitles)), [(word, start + shift, end + shift) for word, start, end in truth])

    def add_cues(self, shown, truth):
        said, first = [], {}
        for at, (_, _, text) in enumerate(shown):
            for word in normalised(text).split():
                first.setdefault(at, len(said))
                said.append(word)
        partner = {j: i for i, j in alignment([word for word, _, _ in truth], said)
                   if i is not None and j is not None and truth[i][0] == said[j]}
        self.starts += [abs(shown[at][0] - truth[partner[j]][1]) for at, j in first.items() if j in partner]
        run = None
        for word, start, end in truth + [("", 1e9, 1e9)]:
            middle = (start + end) / 2
            if middle < 1e8 and not any(a - 0.1 <= middle <= z + 0.1 for a, z, _ in shown):
                run = (run[0] if run else start, end)
                continue
            if run and run[1] - run[0] >= NEAR_SECONDS:
                self.holes += run[1] - run[0]
            run = None


def configuration(target, folder):
    text = open(arguments.config).read() if arguments.config else ""
    section = f"[engines.{arguments.engine}]"
    if section not in text:
        text += f"\n{section}\n"
    most = OFFLINE_SECONDS if arguments.engine == "offline" else WHOLE_SECONDS
    longest = min(target * 1.2, most)
    keys = f"chunk_target_seconds = {min(target, most)}\nchunk_max_seconds = {longest}\n"
    path = os.path.join(folder, "seams.toml")
    open(path, "w").write(text.replace(section, f"{section}\n{keys}", 1))
    return path


def shifted(path, seconds, folder):
    out = os.path.join(folder, os.path.splitext(os.path.basename(path))[0] + ".wav")
    delay = f"adelay=delays={int(seconds * 1000)}:all=1"
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", path, "-af", delay, "-ar", "16000", "-ac", "1", out], check=True)
    return out


def measure(target, run, talks, folder):
    figures, shift = Figures(), run * SHIFT_SECONDS
    config = configuration(target, folder)
    for path, reference, words in talks:
        wave = shifted(path, shift, folder)
        command = [arguments.program, "transcribe", "--config", config, "--engine", arguments.engine, "--no-cache", "--quiet",
                   "--language", "en", "--formats", "json,srt", "-o", folder, wave]
        ended = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        if ended.returncode:
            sys.exit(f"{' '.join(command)} ended with {ended.returncode}")
        written = {os.path.splitext(line)[1]: open(line).read() for line in ended.stdout.split("\n") if line}
        answer, subtitles = written[".json"], written[".srt"]
        truth = []
        if os.path.exists(words):
            for row in csv.reader(open(words), delimiter="\t", quoting=csv.QUOTE_NONE):
                word = normalised(row[0]).split()
                if len(word) == 1:
                    truth.append((word[0], float(row[1]), float(row[2])))
        figures.add(json.loads(answer), subtitles, reference, truth, shift)
    return figures


def share(part, what):
    return f"{100 * part[what] / part['words']:.1f}" if part["words"] else "-"


talks = list(recordings(arguments.folder))
if not talks:
    sys.exit(f"{arguments.folder} holds no recording with a reference of its name beside it.")
print(f"{len(talks)} recordings, {arguments.runs} runs\n")
print("| chunks of | chunks | word error rate of the runs | mean | spread | lost / doubled near cuts | elsewhere "
      "| cue starts, mean / 95 % | words in holes |")
print("|---|---|---|---|---|---|---|---|---|")
means = {}
with tempfile.TemporaryDirectory() as folder:
    targets = [float(target) for target in arguments.targets.split(",")]
    if arguments.engine == "offline":
        for target in [target for target in targets if target >= OFFLINE_SECONDS]:
            print(f"(the offline engine takes {OFFLINE_SECONDS} s at most: {target:.0f} s is the same as whole)", file=sys.stderr)
        targets = [target for target in targets if target < OFFLINE_SECONDS]
    for target in [WHOLE_SECONDS] + targets:
        runs = [measure(target, run, talks, folder) for run in range(arguments.runs)]
        rates = [100 * run.errors / max(1, run.words) for run in runs]
        means[target] = sum(rates) / len(rates), max(rates) - min(rates)
        near, far = ({key: sum(getattr(run, part)[key] for run in runs) for key in ("words", "lost", "doubled")}
                     for part in ("near", "far"))
        starts = sorted(start for run in runs for start in run.starts)
        cue = f"{sum(starts) / len(starts):.2f} / {starts[int(len(starts) * 0.95)]:.2f} s" if starts else "-"
        name = "whole" if target == WHOLE_SECONDS else f"{target:.0f} s"
        print(f"| {name} | {sum(run.chunks for run in runs) // len(runs)} | {', '.join(f'{rate:.2f}' for rate in rates)} "
              f"| {means[target][0]:.2f} | {means[target][1]:.2f} | {share(near, 'lost')} / {share(near, 'doubled')} "
              f"| {share(far, 'lost')} / {share(far, 'doubled')} | {cue} | {sum(run.holes for run in runs) / len(runs):.1f} s |",
              flush=True)
whole, floor = means[WHOLE_SECONDS]
for target in targets:
    worse = means[target][0] - whole
    verdict = "within" if worse <= 0.3 + floor else "BEYOND"
    print(f"\n{target:.0f} s: {worse:+.2f} points against whole, {verdict} 0.3 and the noise floor of {floor:.2f}")
