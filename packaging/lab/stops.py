#!/usr/bin/env python3
"""Decoders, ffmpeg and the service ended at random moments of decoding: no cut transcript is delivered as whole.

Usage: stops.py PROGRAM [--restarts 40] [--decoders 20] [--ffmpegs 20] [--hangs 10] [--minutes 20] [--seed N]

Recordings of that many minutes as MP3, FLAC and M4A (which ffmpeg decodes) are transcribed by the service in a process
group of its own, with these disturbances, each at a random moment while a decoder lives:
- restarts: SIGTERM to the whole process group, then a new start;
- decoders, ffmpegs: kill -9 of one of them;
- hangs: SIGSTOP of a decoder (it must be noticed: give the program two minutes for each).
Each transcript must be whole, or partial with a gap from where it breaks off; none may have failed; and the same recording
copied in again must come out whole. In units that send the signal to all processes (KillMode=control-group) a restart is
what the first kind is."""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab


def children(process):
    found = []
    for task in os.listdir("/proc/%d/task" % process):
        try:
            with open("/proc/%d/task/%s/children" % (process, task)) as file:
                found += [int(one) for one in file.read().split()]
        except OSError:
            pass
    return found


def command(process):
    try:
        with open("/proc/%d/cmdline" % process, "rb") as file:
            return file.read().split(b"\0")
    except OSError:
        return []


def left_behind(program):
    """Decoders of this program, whoever started them; not of another one on the same machine."""
    found = []
    for one in os.listdir("/proc"):
        try:
            if one.isdigit() and b"__decode" in command(int(one))[1:2] and os.path.samefile("/proc/%s/exe" % one, program):
                found.append(one)
        except OSError:
            pass
    return found


def decoders(service):
    try:
        return [one for one in children(service) if b"__decode" in command(one)[1:2]]
    except OSError:
        return []


def ffmpegs(service):
    found = []
    for decoder in decoders(service):
        try:
            found += [one for one in children(decoder) if command(one)[0:1] and command(one)[0].endswith(b"ffmpeg")]
        except OSError:
            pass
    return found


class Run:
    def __init__(self, top, program, sources, seconds, draw):
        self.server = lab.Server(0.02)
        engine = 'kind = "openai"\nbase_url = "%s"\nchunk_target_seconds = 30\nchunk_max_seconds = 36' % self.server.url
        self.place = lab.Place(top, program, self.server, engine=engine)
        self.sources, self.seconds, self.draw = sources, seconds, draw
        self.number, self.faults, self.partial, self.whole = 0, [], 0, 0

    def start(self):
        log = open(self.place.log, "ab")
        self.place.service = subprocess.Popen(
            [self.place.program, "serve", "--config", self.place.path("parlograph.toml")], stdout=log, stderr=log,
            start_new_session=True, env=dict(os.environ, SWIFT_BACKTRACE="enable=no"))

    def drop(self, source):
        self.number += 1
        name = "%03d%s" % (self.number, os.path.splitext(source)[1])
        shutil.copy(source, self.place.path("inbox", "." + name))
        # Other bytes each time, or the cache would answer without a decoder.
        os.rename(self.place.path("inbox", "." + name), self.place.path("inbox", name))
        return name

    def wait(self, name, limit=900):
        stem = os.path.splitext(name)[0]

        def is_done():
            return name in self.place.files("done") + self.place.files("failed")
        lab.until(name, limit, is_done)
        return self.judge(stem, name)

    def judge(self, stem, name):
        if name in self.place.files("failed"):
            self.faults.append("%s failed" % name)
            return
        with open(self.place.path("outbox", stem + ".json")) as file:
            found = json.load(file)
        # The end of what was heard, by the chunks.
        heard = max(chunk["end"] for chunk in found["chunks"])
        gaps = [gap for gap in found["gaps"] if gap["cause"] == "interruption"]
        if abs(heard - self.seconds) < 0.5 and not found["gaps"]:
            self.whole += 1
        elif gaps and abs(gaps[-1]["start"] - heard) < 0.01 and (
                gaps[-1]["end"] is None or abs(gaps[-1]["end"] - self.seconds) < 1):
            self.partial += 1
        else:
            self.faults.append("%s: %.1f s of %.1f s, gaps %s" % (name, heard, self.seconds, found["gaps"]))

    def disturb(self, count, what, kinds):
        self.start()
        done, name, source = 0, None, None
        while done < count:
            if name is None or name not in self.place.files("inbox"):
                if name:
                    self.wait(name)
                    # Whatever happened to it: once more, undisturbed, it is whole.
                    again = self.drop(source)
                    before = self.partial
                    self.wait(again)
                    if self.partial != before:
                        self.faults.append("%s was answered from the cache with a cut transcript" % again)
                shutil.rmtree(self.place.path("cache"), ignore_errors=True)
                os.makedirs(self.place.path("cache"))
                self.restart(signal.SIGTERM)
                source = self.draw.choice(self.sources)
                name = self.drop(source)
            targets = kinds(self.place.service.pid)
            if not targets:
                time.sleep(0.003)
                continue
            time.sleep(self.draw.uniform(0, 0.4))
            targets = kinds(self.place.service.pid)
            if targets and what(self.draw.choice(targets)):
                done += 1
                time.sleep(self.draw.uniform(0, 0.3))
        self.wait(name)
        self.stop(signal.SIGTERM)

    def stop(self, kind):
        group = self.place.service.pid
        os.killpg(group, kind)
        # Decoders that were in the group, and those that have sessions of their own, as a unit has them in one group.
        return self.place.service.wait(60)

    def restart(self, kind):
        self.stop(kind)
        self.start()


def main():
    options = argparse.ArgumentParser()
    options.add_argument("program")
    options.add_argument("--restarts", type=int, default=40)
    options.add_argument("--decoders", type=int, default=20)
    options.add_argument("--ffmpegs", type=int, default=20)
    options.add_argument("--hangs", type=int, default=10)
    options.add_argument("--minutes", type=int, default=20)
    options.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    options = options.parse_args()
    draw = random.Random(options.seed)
    top = tempfile.mkdtemp(prefix="parlograph-stops-")
    print("seed %d, in %s" % (options.seed, top))
    seconds = options.minutes * 60
    wav = os.path.join(top, "talk.wav")
    lab.write_wav(wav, lab.speech(1, seconds))
    sources = [os.path.join(top, name) for name in ("talk.mp3", "talk.flac", "talk.m4a")]
    subprocess.run(["lame", "--quiet", "-b", "64", wav, sources[0]], check=True)
    subprocess.run(["flac", "-s", "-o", sources[1], wav], check=True)
    subprocess.run(["ffmpeg", "-v", "error", "-i", wav, "-c:a", "aac", "-b:a", "64k", sources[2]], check=True)

    def restart(run):
        # The whole group, and what is beside it: as a unit's control group.
        def what(_):
            for one in decoders(run.place.service.pid) + ffmpegs(run.place.service.pid):
                signal_one(one, signal.SIGTERM)
            run.restart(signal.SIGTERM)
            return True
        return what

    def signal_one(process, kind):
        try:
            os.kill(process, kind)
            return True
        except OSError:
            return False

    faults = []
    for title, count, kinds, one_source in (
            ("restarts", options.restarts, decoders, sources),
            ("decoders", options.decoders, decoders, sources),
            ("ffmpegs", options.ffmpegs, ffmpegs, sources[2:]),
            ("hangs", options.hangs, decoders, sources)):
        if count == 0:
            continue
        run = Run(os.path.join(top, title), options.program, one_source, seconds, draw)
        what = {
            "restarts": restart(run),
            "decoders": lambda one: signal_one(one, signal.SIGKILL),
            "ffmpegs": lambda one: signal_one(one, signal.SIGKILL),
            "hangs": lambda one: signal_one(one, signal.SIGSTOP),
        }[title]
        began = time.monotonic()
        run.disturb(count, what, kinds)
        left = left_behind(options.program)
        print("%s: %d, %d recordings: %d whole, %d partial with their gap, %d faults, %.0f s" % (
            title, count, run.number, run.whole, run.partial, len(run.faults), time.monotonic() - began))
        if left:
            run.faults.append("decoders are left: %s" % left)
        faults += ["%s: %s" % (title, fault) for fault in run.faults]
    for fault in faults:
        print("FAULT: " + fault)
    if not faults:
        shutil.rmtree(top)
        print("PASSED")
    sys.exit(1 if faults else 0)


main()
