#!/usr/bin/env python3
"""kill -9 at random moments of a run: nothing lost, nothing twice, no chunk paid for twice.

Usage: kill9.py PROGRAM [--kills 200] [--recordings 50] [--seconds 60] [--delay 0.3] [--seed N]

Runs the service over the recordings without a disturbance, then with kills, and compares: each recording has its set,
byte for byte the same but for the facts of the run (docs/decisions/0019); sources are in done; no other file is in the
outbox; and the server counts how often each chunk was answered. A chunk may be answered twice only where a kill came
between the answer's last byte and its commit in the cache: those are listed with the time between the two."""

import argparse
import os
import random
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab


def run(folder, program, server, sources, kills, draw):
    os.makedirs(folder)
    place = lab.Place(folder, program, server)
    for source in sources:
        shutil.copy(source, place.path("inbox"))
    moments, lives = [], []
    place.start()

    def is_done():
        return len(place.files("done")) == len(sources)

    began = time.monotonic()
    while len(moments) < kills and not is_done():
        # Most kills while work is under way, some at the very start.
        time.sleep(draw.choice([draw.uniform(0, 0.1), draw.uniform(0.1, 0.8), draw.uniform(0.3, 1.5)]))
        if is_done():
            break
        place.kill()
        moments.append(time.monotonic())
        place.start()
    lab.until("the end", 600, is_done)
    lab.until("an empty queue", 30, lambda: set(place.counts()) == {"delivered"})
    status = place.stop()
    return place, moments, status, time.monotonic() - began


def main():
    options = argparse.ArgumentParser()
    options.add_argument("program")
    options.add_argument("--kills", type=int, default=200)
    options.add_argument("--recordings", type=int, default=50)
    options.add_argument("--seconds", type=int, default=60)
    options.add_argument("--delay", type=float, default=0.3)
    options.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    options = options.parse_args()
    draw = random.Random(options.seed)
    top = tempfile.mkdtemp(prefix="parlograph-kill9-")
    print("seed %d, in %s" % (options.seed, top))
    sources = []
    for number in range(options.recordings):
        sources.append(os.path.join(top, "recording %02d.wav" % number))
        lab.write_wav(sources[-1], lab.speech(number, options.seconds))

    calm_server = lab.Server(0)
    calm, _, _, duration = run(os.path.join(top, "calm"), options.program, calm_server, sources, 0, draw)
    print("undisturbed: %d files in the outbox, %d chunks, %.1f s" % (
        len(calm.files("outbox")), len(calm_server.asked), duration))
    server = lab.Server(options.delay)
    place, moments, status, duration = run(
        os.path.join(top, "killed"), options.program, server, sources, options.kills, draw)
    print("killed %d times in %.1f s; the last service ended with %d" % (len(moments), duration, status))

    faults = []
    if len(moments) < options.kills:
        print("note: all was done after %d kills; more recordings or a longer delay make room for more" % len(moments))
    wanted, got = calm.files("outbox"), place.files("outbox")
    if wanted != got:
        faults.append("outbox differs: missing %s, more %s" % (
            sorted(set(wanted) - set(got)), sorted(set(got) - set(wanted))))
    compared = [name for name in wanted if name in got and name != "status.html"]
    for name in compared:
        if lab.contents(calm.path("outbox", name)) != lab.contents(place.path("outbox", name)):
            faults.append("%s differs" % name)
    if calm.files("done") != place.files("done") or place.files("inbox") or place.files("failed"):
        faults.append("sources are not all in done, once")
    jobs = place.counts()
    if jobs != {"delivered": options.recordings}:
        faults.append("the journal has %s" % jobs)

    twice = {chunk: times for chunk, times in server.answered.items() if len(times) > 1}
    gaps = []
    for chunk, times in twice.items():
        for answer in times[:-1]:
            kill = min((moment for moment in moments if moment >= answer - 0.001), default=None)
            gaps.append(kill - answer if kill is not None else float("inf"))
    asked = sum(server.asked.values())
    print("%d sets compared, %d chunks, %d requests, %d answers; %d chunks answered more than once" % (
        len(compared) // 3, len(server.asked), asked, sum(map(len, server.answered.values())), len(twice)))
    if gaps:
        print("  from the answer's last byte to the kill: %s ms" % ", ".join("%.1f" % (1000 * gap) for gap in sorted(gaps)))
    # The answer is in the kernel's buffer, not read, not parsed, or not committed yet.
    if any(gap > 0.1 for gap in gaps):
        faults.append("a chunk was paid for again although there was time to store it")
    if set(server.asked) != set(calm_server.asked):
        faults.append("other chunks were asked for than in the undisturbed run")
    for fault in faults:
        print("FAULT: " + fault)
    if not faults:
        shutil.rmtree(top)
        print("PASSED")
    sys.exit(1 if faults else 0)


main()
