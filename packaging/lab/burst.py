#!/usr/bin/env python3
"""Many files at once: nothing lost, nothing twice, within bounds of memory and processor time.

Usage: burst.py PROGRAM [--files 50000] [--tree 300]

1. FILES tiny recordings are created as fast as possible while the service runs with an engine that does not answer: how
   long until all are queued, memory, and the processor time of an idle minute afterwards.
2. The same service is killed and started again: the queue is still complete, and how long that takes.
3. With an engine that answers: `cp -r` of nested folders, `mv` of a folder tree into the inbox, and a burst while the
   service is stopped: every recording is delivered once, below its folder."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab

FAULTS = []


def check(holds, words):
    print(("ok     " if holds else "FAULT  ") + words)
    if not holds:
        FAULTS.append(words)


def queue(options, top):
    server = lab.Server(0)
    place = lab.Place(
        os.path.join(top, "queue"), options.program, server,
        engine='kind = "command"\ncommand = ["/bin/sleep", "100000"]\nchunk_target_seconds = 5\nchunk_max_seconds = 6')
    sample = os.path.join(top, "sample.wav")
    lab.write_wav(sample, lab.speech(1, 1)[:4000])
    content = open(sample, "rb").read()
    place.start()
    lab.until("ready", 60, lambda: place.said("ready"))
    idle = place.figures()
    print("before: %.0f MiB resident" % idle[0])
    began = time.monotonic()
    for number in range(options.files):
        with open(place.path("inbox", "%06d.wav" % number), "wb") as file:
            file.write(content)
    created = time.monotonic() - began

    def queued():
        counts = place.counts()
        return counts.get("queued", 0) + counts.get("processing", 0)

    while queued() < options.files and place.lives() and time.monotonic() - began < 1800:
        time.sleep(1)
    seconds = time.monotonic() - began
    resident, peak, processor = place.figures()
    check(queued() == options.files, "%d files created in %.1f s, %d queued after %.1f s, processor %.1f s" % (
        options.files, created, queued(), seconds, processor))
    time.sleep(15)
    resident, peak, before = place.figures()
    time.sleep(60)
    resident, peak, after = place.figures()
    check(peak - idle[0] < 100, "%.0f MiB resident, peak %.0f MiB" % (resident, peak))
    check(after - before < 3, "processor time in an idle minute with %d waiting: %.2f s" % (options.files, after - before))
    place.kill()
    log = place.said("ready")
    began = time.monotonic()
    place.start()
    lab.until("ready again", 600, lambda: place.said("ready") > log)
    print("       ready again %.1f s after kill -9" % (time.monotonic() - began))
    time.sleep(30)
    check(queued() == options.files, "%d queued after a restart and a scan" % queued())
    resident, peak, _ = place.figures()
    check(peak < 100 + idle[0], "%.0f MiB resident, peak %.0f MiB after the restart" % (resident, peak))
    place.kill()


def tree(folder, files, seed):
    """A folder tree with different recordings; returns their paths below it."""
    paths = []
    for number in range(files):
        below = os.path.join(*("d%d" % (number // 10 ** depth % 10) for depth in range(1 + number % 3)))
        os.makedirs(os.path.join(folder, below), exist_ok=True)
        paths.append(os.path.join(below, "talk %d.wav" % number))
        lab.write_wav(os.path.join(folder, paths[-1]), lab.speech(seed * 1_000_000 + number, 1)[:8000])
    return paths


def deliver(options, top):
    server = lab.Server(0)
    place = lab.Place(os.path.join(top, "deliver"), options.program, server, inbox='formats = ["txt"]')
    expected = []

    def arrived(words, limit=1200):
        wanted = sorted(os.path.splitext(path)[0] + ".txt" for path in expected)

        def texts():
            return [name for name in place.files("outbox") if name != "status.html" and not name.endswith(".status.txt")]

        end = time.monotonic() + limit
        while time.monotonic() < end and not (texts() == wanted and place.files("done") == sorted(expected)):
            time.sleep(0.5)
        check(texts() == wanted and place.files("done") == sorted(expected) and not place.files("inbox"),
              "%s: %d delivered once of %d" % (words, len(set(texts()) & set(wanted)), len(wanted)))

    place.start()
    lab.until("ready", 60, lambda: place.said("ready"))
    source = os.path.join(top, "copied")
    expected += [os.path.join("copied", path) for path in tree(source, options.tree, 1)]
    subprocess.run(["cp", "-r", source, place.path("inbox")], check=True)
    arrived("cp -r of nested folders")
    source = os.path.join(top, "moved")
    expected += [os.path.join("moved", path) for path in tree(source, options.tree, 2)]
    os.rename(source, place.path("inbox", "moved"))
    arrived("mv of a folder tree")
    place.stop()
    expected += [os.path.join("stopped", path) for path in tree(place.path("inbox", "stopped"), options.tree, 3)]
    place.start()
    arrived("a burst while the service was stopped")
    check(place.counts() == {"delivered": len(expected)}, "the journal has %s" % place.counts())
    place.stop()


def main():
    options = argparse.ArgumentParser()
    options.add_argument("program")
    options.add_argument("--files", type=int, default=50000)
    options.add_argument("--tree", type=int, default=300)
    options = options.parse_args()
    top = tempfile.mkdtemp(prefix="parlograph-burst-")
    queue(options, top)
    deliver(options, top)
    if not FAULTS:
        shutil.rmtree(top)
        print("PASSED")
    sys.exit(1 if FAULTS else 0)


main()
