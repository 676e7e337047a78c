#!/usr/bin/env python3
"""A member of one group swaps folders for links while the service moves his recordings: nothing of another group's tree
is moved, and nothing is put there.

Usage: mover.py PROGRAM [--minutes 10] [--depth 50]

Each recording of group A lies DEPTH folders deep. Once its transcript is there, which is just before it is moved, its
folder in the inbox (or the one in done, every second time) is exchanged with a link to a folder of group B, to and fro, as
fast as it goes, until the recording is gone. B has a file of the same name there."""

import argparse
import ctypes
import os
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab

LIBC = ctypes.CDLL(None, use_errno=True)
EXCHANGE = 2
AT_ONCE = 6
SWAPS = 1000


def swap(folder, one, other):
    LIBC.renameat2(folder, one, folder, other, EXCHANGE)


class Round:
    """One recording of A, its bait of B, and the folder that is swapped."""

    def __init__(self, place, top, number, depth, sample):
        self.name = "%06d" % number
        below = os.path.join(self.name, *["n"] * (depth - 2))
        deep = place.path("inbox", below, "x")
        self.source = os.path.join(deep, self.name + ".wav")
        self.transcript = place.path("outbox", below, "x", self.name + ".txt")
        self.place, self.top = place, top
        self.bait = os.path.join(top, "B", "done", self.name + ".wav")
        with open(self.bait, "w") as file:
            file.write("group B's recording " + self.name)
        parent = place.path("inbox", below)
        target = os.path.join(top, "B", "done")
        if number % 2:
            parent, target = place.path("done", below), os.path.join(top, "B", "inbox")
            os.makedirs(os.path.join(parent, "x"))
        os.makedirs(deep)
        os.symlink(target, os.path.join(parent, "evil"))
        self.parent = os.open(parent, os.O_RDONLY | os.O_DIRECTORY)
        shutil.copyfile(sample, self.source)
        self.began = time.monotonic()

    def attacks(self):
        return os.path.exists(self.transcript)

    def is_over(self):
        held = self.place.path("inbox", self.name)
        for folder, _, names in os.walk(held):
            if self.name + ".wav" in names:
                return time.monotonic() - self.began > 60
        return True

    def end(self):
        os.close(self.parent)
        shutil.rmtree(self.place.path("inbox", self.name), ignore_errors=True)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("program")
    options.add_argument("--minutes", type=float, default=10)
    options.add_argument("--depth", type=int, default=50)
    options = options.parse_args()
    top = tempfile.mkdtemp(prefix="parlograph-mover-")
    for name in ("inbox", "done"):
        os.makedirs(os.path.join(top, "B", name))
    place = lab.Place(os.path.join(top, "A"), options.program, lab.Server(0), inbox='formats = ["txt"]')
    sample = os.path.join(top, "sample.wav")
    lab.write_wav(sample, lab.speech(1, 1)[:4000])
    place.start()
    lab.until("ready", 60, lambda: place.said("ready"))
    end = time.monotonic() + 60 * options.minutes
    number, swaps, stuck, rounds = 0, 0, 0, []
    while place.lives() and (rounds or time.monotonic() < end):
        while len(rounds) < AT_ONCE and time.monotonic() < end:
            rounds.append(Round(place, top, number, options.depth, sample))
            number += 1
        for one in [one for one in rounds if one.attacks()]:
            for _ in range(SWAPS):
                swap(one.parent, b"x", b"evil")
            swaps += SWAPS
        time.sleep(0.001)
        for one in [one for one in rounds if one.is_over()]:
            stuck += os.path.exists(one.source)
            one.end()
            rounds.remove(one)
    moved = number - len(os.listdir(os.path.join(top, "B", "done")))
    put = len(os.listdir(os.path.join(top, "B", "inbox")))
    print("%d recordings, %d swaps: %d of the other group's files moved, %d put there, %d not taken out within 60 s" % (
        number, swaps, moved, put, stuck))
    lives = place.lives()
    place.stop() if lives else None
    if not lives or moved or put:
        print("FAULT; see " + top)
        sys.exit(1)
    shutil.rmtree(top)
    print("PASSED")


main()
