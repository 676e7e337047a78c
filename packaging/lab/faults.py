#!/usr/bin/env python3
"""Faults of disks, rights and limits under a running service: it lives, loses nothing, delivers each recording once and
goes on by itself when the cause is gone. Needs root for most of it; what the machine cannot do is said to be left out.

Usage: faults.py PROGRAM [NAME...]"""

import argparse
import fcntl
import os
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab

CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


class Unavailable(Exception):
    pass


def sh(*words):
    if subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0:
        raise Unavailable(" ".join(words))


class Mount:
    """A small file system over a folder of the place."""

    def __init__(self, folder, kind="tmpfs", size="4m", options=""):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        if kind == "tmpfs":
            sh("mount", "-t", "tmpfs", "-o", "size=" + size + options, "tmpfs", folder)
        else:
            self.image = folder + ".image"
            sh("truncate", "-s", "32M", self.image)
            sh("mkfs." + kind, "-q", self.image)
            sh("mount", "-o", "loop", self.image, folder)
            os.rmdir(os.path.join(folder, "lost+found"))

    def fail(self):
        """Input/output errors from now on, until it is mounted again."""
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, 0x8004587D, struct.pack("I", 1))  # EXT4_IOC_SHUTDOWN
        except OSError as error:
            raise Unavailable("shutting ext4 down: %s" % error)
        finally:
            os.close(folder)

    def repair(self):
        """Mounted anew. While somebody has files of the broken one open it lives on, so a copy of it is mounted."""
        sh("umount", "-l", self.folder)
        self.image = shutil.copy(self.image, self.image + "+")
        sh("mount", "-o", "loop", self.image, self.folder)

    def remount(self, options):
        sh("mount", "-o", "remount," + options, self.folder)

    def unmount(self):
        for _ in range(50):
            if subprocess.run(["umount", self.folder], stderr=subprocess.DEVNULL).returncode == 0:
                return
            time.sleep(0.1)
        subprocess.run(["umount", "-l", self.folder])


def fill(folder):
    """Takes all the room there is; the file to be removed again."""
    path = os.path.join(folder, ".full")
    file = os.open(path, os.O_WRONLY | os.O_CREAT)
    for size in (65536, 4096, 1):
        try:
            while True:
                os.write(file, b"x" * size)
        except OSError:
            pass
    os.close(file)
    return path


class Trial:
    """Two recordings before the fault, three while it lasts, one after it."""

    def __init__(self, top, program, name, cache="", **more):
        self.server = lab.Server(0.05)
        self.place = lab.Place(os.path.join(top, name), program, self.server, cache=cache, **more)
        self.number = 0
        self.mounts = []

    def mount(self, name, **more):
        mount = Mount(self.place.path(name), **more)
        self.mounts.append(mount)
        return mount

    def drop(self, count):
        for _ in range(count):
            self.number += 1
            source = self.place.path("talk %d.wav" % self.number)
            lab.write_wav(source, lab.speech(self.number, 3))
            shutil.move(source, self.place.path("inbox", "talk %d.wav" % self.number))

    def delivered(self):
        return sum(name.endswith(".json") for name in self.place.files("outbox"))

    def begin(self):
        self.place.start()
        lab.until("ready", 60, lambda: self.place.said("ready") or not self.place.lives())
        self.drop(2)
        lab.until("the first two", 60, lambda: len(self.place.files("done")) == 2)

    def end(self, recovery=120):
        """- Returns: a line for the table."""
        began = time.monotonic()
        lived = self.place.lives()
        self.drop(1)
        total = self.number
        while time.monotonic() - began < recovery and len(self.place.files("done")) < total and self.place.lives():
            time.sleep(0.1)
        seconds = time.monotonic() - began
        done, sets = len(self.place.files("done")), self.delivered()
        paid = sum(max(0, len(times) - 1) for times in self.server.answered.values())
        faults = []
        if not lived or not self.place.lives():
            faults.append("the service died")
        if done != total or sets != total:
            faults.append("%d of %d done, %d sets" % (done, total, sets))
        if self.place.files("failed") or any("(2)" in name for name in self.place.files("outbox")):
            faults.append("failed %s" % self.place.files("failed"))
        if paid:
            faults.append("%d chunks paid for twice" % paid)
        line = "recovered %.1f s after the cause was gone; %d log lines of the fault" % (seconds, self.complaints())
        return faults, line

    def complaints(self):
        return sum(self.place.said(words) for words in ("trying again", "everything waits", "not fully usable"))

    def close(self):
        if self.place.service and self.place.lives():
            self.place.kill()
        for mount in self.mounts:
            mount.unmount()


@case
def outbox_full(trial):
    """ENOSPC on the outbox"""
    trial.mount("outbox", size="1m")
    trial.begin()
    full = fill(trial.place.path("outbox"))
    trial.drop(3)
    time.sleep(8)
    os.unlink(full)


@case
def outbox_full_without_cache(trial):
    """ENOSPC on the outbox, no cache"""
    outbox_full(trial)


@case
def outbox_read_only(trial):
    """EROFS on the outbox"""
    mount = trial.mount("outbox")
    trial.begin()
    mount.remount("ro")
    trial.drop(3)
    time.sleep(8)
    mount.remount("rw")


@case
def outbox_gone(trial):
    """the outbox is deleted and made again"""
    trial.begin()
    os.rename(trial.place.path("outbox"), trial.place.path("away"))
    trial.drop(3)
    time.sleep(8)
    if os.path.exists(trial.place.path("outbox")):
        raise SystemExit("the outbox was made again by the service")
    os.rename(trial.place.path("away"), trial.place.path("outbox"))


@case
def outbox_unmounted(trial):
    """the outbox is unmounted and mounted again"""
    mount = trial.mount("outbox", kind="ext4")
    trial.begin()
    mount.unmount()
    trial.drop(3)
    time.sleep(8)
    if os.listdir(trial.place.path("outbox")):
        raise SystemExit("the service wrote below the mount point: %s" % os.listdir(trial.place.path("outbox")))
    sh("mount", "-o", "loop", mount.image, mount.folder)


@case
def outbox_error(trial):
    """EIO on the outbox"""
    mount = trial.mount("outbox", kind="ext4")
    trial.begin()
    mount.fail()
    trial.drop(3)
    time.sleep(8)
    mount.repair()


@case
def cache_full(trial):
    """ENOSPC on the cache"""
    trial.mount("cache", size="200k")
    fill(trial.place.path("cache"))
    trial.begin()
    trial.drop(3)
    time.sleep(5)
    os.unlink(trial.place.path("cache", ".full"))


@case
def cache_read_only(trial):
    """EROFS on the cache"""
    mount = trial.mount("cache")
    mount.remount("ro")
    trial.begin()
    trial.drop(3)
    time.sleep(5)
    mount.remount("rw")


@case
def cache_error(trial):
    """EIO on the cache"""
    mount = trial.mount("cache", kind="ext4")
    trial.begin()
    mount.fail()
    trial.drop(3)
    time.sleep(5)


@case
def journal_full(trial):
    """ENOSPC on the journal"""
    trial.mount("state", size="1m")
    trial.begin()
    full = fill(trial.place.path("state"))
    trial.drop(3)
    time.sleep(8)
    os.unlink(full)


@case
def journal_locked(trial):
    """another process holds the journal for 25 s"""
    trial.begin()
    import sqlite3
    other = sqlite3.connect(trial.place.path("state", "jobs.sqlite"), isolation_level=None)
    other.execute("begin immediate")
    trial.drop(3)
    time.sleep(25)
    other.execute("rollback")
    other.close()


@case
def journal_error(trial):
    """EIO on the journal"""
    mount = trial.mount("state", kind="ext4")
    trial.begin()
    mount.fail()
    trial.drop(3)
    time.sleep(8)
    mount.repair()


@case
def inbox_unreadable(trial):
    """EACCES on recordings (as an ordinary user)"""
    if os.getuid() == 0:
        raise Unavailable("run as an ordinary user")
    trial.begin()
    os.chmod(trial.place.path("inbox"), 0)
    time.sleep(3)
    os.chmod(trial.place.path("inbox"), 0o755)
    trial.drop(3)


@case
def inbox_error(trial):
    """EIO on the inbox"""
    mount = trial.mount("inbox", kind="ext4")
    trial.begin()
    trial.drop(3)
    os.sync()
    mount.fail()
    time.sleep(8)
    mount.repair()


@case
def too_many_open_files(trial):
    """EMFILE everywhere"""
    trial.begin()
    process = trial.place.service.pid
    before = resource.prlimit(process, resource.RLIMIT_NOFILE)
    resource.prlimit(process, resource.RLIMIT_NOFILE, (len(os.listdir("/proc/%d/fd" % process)), before[1]))
    trial.drop(3)
    time.sleep(8)
    resource.prlimit(process, resource.RLIMIT_NOFILE, before)


@case
def file_size_limit(trial):
    """EFBIG everywhere"""
    trial.begin()
    process = trial.place.service.pid
    before = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (512, before[1]))
    trial.drop(3)
    time.sleep(8)
    resource.prlimit(process, resource.RLIMIT_FSIZE, before)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("program")
    options.add_argument("name", nargs="*")
    options = options.parse_args()
    top = tempfile.mkdtemp(prefix="parlograph-faults-")
    failed = False
    for name, function in CASES.items():
        if options.name and name not in options.name:
            continue
        cache = "[cache]\nmemory_mb = 0\ndisk_mb = 0\n" if name.endswith("without_cache") else ""
        trial = Trial(top, options.program, name, cache=cache)
        try:
            function(trial)
            faults, line = trial.end()
        except Unavailable as fault:
            print("left out  %-52s %s" % (function.__doc__, fault), flush=True)
            continue
        except SystemExit as fault:
            faults, line = [str(fault)], ""
        finally:
            trial.close()
        failed = failed or bool(faults)
        print("%-9s %-52s %s" % ("FAULT" if faults else "ok", function.__doc__, "; ".join(faults) or line), flush=True)
    if not failed:
        shutil.rmtree(top, ignore_errors=True)
    else:
        print("logs are below " + top)
    sys.exit(1 if failed else 0)


main()
