#!/usr/bin/env python3
"""Long work does not stop short work: huge recordings in one inbox, memos in another. Linux, and root for
`real` and `hung`.

Usage: longwork.py PROGRAM sparse|real|hung [--count N] [--gigabytes G] [--rate 120] [--seconds 200] [--folder DIR]

sparse  ten WAV files of 19 GB that take no room on disk, except at both ends
real    eight WAV files of 2.2 GB on a disk that gives RATE MB/s to the service in all (cgroup: blkio or io.max)
hung    eight WAV files of 0.3 GB on a loop device that gives nothing any more once they are in work

Every ten seconds a memo of two seconds is put into the other inbox. What is measured: how long each takes until its
transcript lies in the outbox, and the longest time between two signs of life to the watchdog. `real` kills the service
after SECONDS and starts it again: how much it reads until every recording has its decoder is said, and how many
recordings had their digest in the journal by then."""

import argparse
import os
import shutil
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab

FAULTS = []
MEMO_LIMIT = 10
GAP_LIMIT = 50


def check(holds, words):
    print(("ok     " if holds else "FAULT  ") + words, flush=True)
    if not holds:
        FAULTS.append(words)


class Manager:
    """Plays systemd: listens for signs of life."""

    def __init__(self):
        name = "parlograph-longwork-%d" % os.getpid()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + name)
        os.environ["NOTIFY_SOCKET"] = "@" + name
        os.environ["WATCHDOG_USEC"] = "120000000"
        self.signs = []
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            if self.socket.recv(4096) in (b"WATCHDOG=1", b"READY=1"):
                self.signs.append(time.monotonic())

    def longest_gap(self):
        times = self.signs + [time.monotonic()]
        return max(later - earlier for earlier, later in zip(times, times[1:]))


class Throttle:
    """Lets a process and its children read at a rate from the disk that a folder lies on."""

    def __init__(self, folder, rate):
        device = os.stat(folder).st_dev
        number = "%d:%d" % (os.major(device), os.minor(device))
        name = "parlograph-longwork-%d" % os.getpid()
        if os.path.isdir("/sys/fs/cgroup/blkio"):
            self.group, self.file = "/sys/fs/cgroup/blkio/" + name, "blkio.throttle.read_bps_device"
            self.line = number + " %d"
        else:
            self.group, self.file = "/sys/fs/cgroup/" + name, "io.max"
            self.line = number + " rbps=%d"
        os.mkdir(self.group)
        self.limit(rate)

    def limit(self, rate):
        with open(os.path.join(self.group, self.file), "w") as out:
            out.write(self.line % rate)

    def add(self, process):
        with open(os.path.join(self.group, "cgroup.procs"), "w") as out:
            out.write(str(process))

    def remove(self):
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                return os.rmdir(self.group)
            except OSError:
                time.sleep(0.5)


def write_huge(path, total, sparse):
    """Silence in stereo at 96 kHz and 16 bit, as RF64."""
    frame, rate = 4, 96000
    data = total - 80
    data -= data % frame
    header = b"RF64" + struct.pack("<I", 0xFFFFFFFF) + b"WAVE"
    header += b"ds64" + struct.pack("<IQQQI", 28, data + 72, data, data // frame, 0)
    header += b"fmt " + struct.pack("<IHHIIHH", 16, 1, 2, rate, rate * frame, frame, 16)
    header += b"data" + struct.pack("<I", 0xFFFFFFFF)
    hidden = os.path.join(os.path.dirname(path), "." + os.path.basename(path) + ".part")
    with open(hidden, "wb") as file:
        file.write(header)
        if sparse:
            file.truncate(len(header) + data - 65536)
            file.seek(0, os.SEEK_END)
            file.write(bytes(65536))
        else:
            block = bytes(8 << 20)
            left = data
            while left > 0:
                left -= file.write(block[:min(left, len(block))])
        file.flush()
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    os.rename(hidden, path)


def chill(folder):
    """The files' pages leave the memory, so that reading needs the disk."""
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


class LoopDisk:
    """A file system of its own."""

    def __init__(self, folder, megabytes):
        self.folder, self.image = folder, folder + ".image"
        subprocess.run(["truncate", "-s", "%dM" % megabytes, self.image], check=True)
        subprocess.run(["mkfs.ext4", "-q", self.image], check=True)
        subprocess.run(["mount", "-o", "loop", self.image, folder], check=True)
        os.rmdir(os.path.join(folder, "lost+found"))

    def remove(self):
        subprocess.run(["umount", "-l", self.folder], check=True)


class Memos:
    """Puts memos into the other inbox and notes when their transcripts come."""

    def __init__(self, top):
        self.inbox, self.outbox = os.path.join(top, "memos"), os.path.join(top, "memos-out")
        self.number, self.begun, self.took = 0, {}, {}

    def put(self):
        self.number += 1
        name = "memo %d" % self.number
        hidden = os.path.join(self.inbox, ".memo.part")
        lab.write_wav(hidden, lab.speech(self.number, 2))
        os.rename(hidden, os.path.join(self.inbox, name + ".wav"))
        self.begun[name] = time.monotonic()

    def look(self):
        for name, begun in self.begun.items():
            if name not in self.took and os.path.exists(os.path.join(self.outbox, name + ".txt")):
                self.took[name] = time.monotonic() - begun

    def watch(self, seconds, until=lambda: False):
        end, due = time.monotonic() + seconds, 0
        while time.monotonic() < end and not until():
            if time.monotonic() >= due:
                self.put()
                due = time.monotonic() + 10
            self.look()
            time.sleep(0.05)
        end = time.monotonic() + 15
        while time.monotonic() < end and len(self.took) < len(self.begun):
            self.look()
            time.sleep(0.05)

    def report(self):
        late = [time.monotonic() - self.begun[name] for name in self.begun if name not in self.took]
        slowest = max(list(self.took.values()) + late, default=0)
        check(not late and slowest <= MEMO_LIMIT,
              "%d memos, the slowest after %.1f s%s" % (
                  len(self.begun), slowest, ", %d not delivered" % len(late) if late else ""))


def digests(place):
    with sqlite3.connect("file:%s?mode=ro" % place.path("state", "jobs.sqlite"), uri=True, timeout=30) as journal:
        try:
            return journal.execute(
                "select count(*) from job where sha256 is not null and bytes > 1000000000").fetchone()[0]
        except sqlite3.OperationalError:
            return 0


def read_bytes(place):
    """What the service itself read so far; decoders are processes of their own."""
    with open("/proc/%d/io" % place.service.pid) as file:
        return int(file.readline().split()[1])


def main():
    options = argparse.ArgumentParser()
    options.add_argument("program")
    options.add_argument("kind", choices=["sparse", "real", "hung"])
    options.add_argument("--count", type=int)
    options.add_argument("--gigabytes", type=float)
    options.add_argument("--rate", type=float, default=120, help="MB/s")
    options.add_argument("--seconds", type=int, default=200)
    options.add_argument("--folder")
    options = options.parse_args()
    sparse = options.kind == "sparse"
    count = options.count or (10 if sparse else 8)
    total = int((options.gigabytes or {"sparse": 19, "real": 2.2, "hung": 0.3}[options.kind]) * 1e9)
    top = tempfile.mkdtemp(prefix="parlograph-longwork-", dir=options.folder)
    for name in ("memos", "memos-out", "memos-done", "memos-failed"):
        os.mkdir(os.path.join(top, name))
    manager, memos, throttle, disk = Manager(), Memos(top), None, None
    other = """
[[inbox]]
path = "{0}/memos"
outbox = "{0}/memos-out"
done = "{0}/memos-done"
failed = "{0}/memos-failed"
engine = "fake"
settle_seconds = 0.2
formats = ["txt"]
""".format(top)
    place = lab.Place(top, options.program, lab.Server(0), inbox='formats = ["txt"]\n' + other)
    try:
        if options.kind == "hung":
            disk = LoopDisk(place.path("inbox"), 200 + count * total // 1_000_000)
        for number in range(count):
            write_huge(place.path("inbox", "huge %d.wav" % number), total, sparse)
        if not sparse:
            throttle = Throttle(place.path("inbox"), int(options.rate * 1e6))
        place.start()
        if throttle:
            throttle.add(place.service.pid)
        lab.until("ready", 60, lambda: place.said("ready"))
        if disk:
            lab.until("all are found", 60, lambda: place.said("recording found") == count)
            throttle.limit(1)
        memos.watch(options.seconds, until=lambda: not place.lives())
        check(place.lives(), "the service lives")
        memos.report()
        check(manager.longest_gap() <= GAP_LIMIT, "the watchdog's longest gap: %.0f s" % manager.longest_gap())
        print("       read %.1f GB; digests in the journal: %d of %d; jobs: %s" % (
            read_bytes(place) / 1e9, digests(place), count, place.counts()), flush=True)
        if options.kind == "real":
            again(place, throttle, count)
    finally:
        if disk and throttle:
            throttle.limit(10 ** 12)
        if place.lives():
            place.kill()
        if throttle:
            throttle.remove()
        if disk:
            disk.remove()
        shutil.rmtree(top)
    print("FAILED" if FAULTS else "PASSED")
    sys.exit(1 if FAULTS else 0)


def again(place, throttle, count):
    """After kill -9 nothing is hashed again whose digest is known."""
    place.kill()
    known = digests(place)
    chill(place.path("inbox"))
    place.start()
    throttle.add(place.service.pid)
    time.sleep(30)
    print("       30 s after kill -9 with %d of %d digests known: the service itself has read %.2f GB" % (
        known, count, read_bytes(place) / 1e9), flush=True)


main()
