"""Restarts the unit, kills and stops decoders and ffmpeg while it decodes, and judges each transcript by its .json: whole, or
partial with a gap from where it breaks off."""

import json
import os
import random
import signal
import subprocess
import sys
import time

SECONDS = 1800
TOP = "/srv/parlograph"
draw = random.Random(os.environ.get("SEED", "1"))
faults = []
results = {"whole": 0, "partial": 0}
number = 0


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode()


def processes(name):
    found = []
    for one in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % one, "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue
        if name == "decoder" and words[1:2] == [b"__decode"] or name == "ffmpeg" and words[0].endswith(b"/ffmpeg"):
            found.append(int(one))
    return found


def send(process, kind):
    try:
        os.kill(process, kind)
        return True
    except OSError:
        return False


def drop(source):
    """Under a name of its own, readable by the service."""
    global number
    number += 1
    name = "%03d%s" % (number, os.path.splitext(source)[1])
    hidden = TOP + "/inbox/.new"
    with open(source, "rb") as old, open(hidden, "wb") as new:
        new.write(old.read())
    os.chmod(hidden, 0o664)
    os.rename(hidden, TOP + "/inbox/" + name)
    return name


def is_over(name):
    return any(os.path.exists("%s/%s/%s" % (TOP, folder, name)) for folder in ("done", "failed"))


def judge(name):
    end = time.monotonic() + 900
    while not is_over(name):
        if time.monotonic() > end:
            faults.append("%s does not end" % name)
            return
        time.sleep(0.1)
    if os.path.exists(TOP + "/failed/" + name):
        faults.append("%s failed" % name)
        return
    with open("%s/outbox/%s.json" % (TOP, os.path.splitext(name)[0])) as file:
        found = json.load(file)
    heard = max(chunk["end"] for chunk in found["chunks"])
    gaps = found["gaps"]
    if abs(heard - SECONDS) < 0.5 and not gaps:
        results["whole"] += 1
    elif gaps and gaps[-1]["cause"] == "interruption" and abs(gaps[-1]["start"] - heard) < 0.01 and (
            gaps[-1]["end"] is None or abs(gaps[-1]["end"] - SECONDS) < 1):
        results["partial"] += 1
    else:
        faults.append("%s: %.1f s heard, gaps %s" % (name, heard, gaps))


def phase(title, count, target, sources, act):
    began, before = time.monotonic(), dict(results)
    done, name, source, names = 0, None, None, []
    while done < count:
        if name is None or is_over(name):
            # Or a transcript in the cache would answer without a decoder.
            run("systemctl", "stop", "parlograph")
            run("rm", "-rf", "/var/cache/parlograph/cache.sqlite")
            restart(None)
            source = draw.choice(sources)
            name = drop(source)
            names.append(name)
        if not processes(target):
            time.sleep(0.002)
            continue
        time.sleep(draw.uniform(0, 0.4))
        found = processes(target)
        if found and act(draw.choice(found)):
            done += 1
            time.sleep(draw.uniform(0, 0.3))
    for name in names:
        judge(name)
    # The last one once more, undisturbed: nothing cut is answered from the cache.
    again, partial = drop(source), results["partial"]
    judge(again)
    if results["partial"] != partial:
        faults.append("%s was answered with a cut transcript" % again)
    print("%s: %d at %d recordings: %d whole, %d partial with their gap, %.0f s" % (
        title, count, len(names) + 1, results["whole"] - before["whole"], results["partial"] - before["partial"],
        time.monotonic() - began), flush=True)


def restart(_):
    # The unit allows ten starts in ten minutes.
    run("systemctl", "reset-failed", "parlograph")
    run("systemctl", "restart", "parlograph")
    return True


def main():
    # Tones with pauses; half an hour, so that the decoder is met.
    os.chdir("/tmp")
    tone = "aevalsrc='0.3*sin(2*PI*(200+7*floor(t))*t)*lt(mod(t,1),0.8)':s=16000:d=%d" % SECONDS
    made = []
    for name, codec in (("a.mp3", ["-b:a", "64k"]), ("a.flac", []), ("a.m4a", ["-c:a", "aac", "-b:a", "64k"])):
        run("ffmpeg", "-v", "error", "-f", "lavfi", "-i", tone, *codec, name)
        made.append("/tmp/" + name)
    phase("restarts of the unit", 40, "decoder", made, restart)
    phase("kill -9 of a decoder", 20, "decoder", made, lambda one: send(one, signal.SIGKILL))
    phase("kill -9 of ffmpeg", 20, "ffmpeg", made[2:], lambda one: send(one, signal.SIGKILL))
    phase("SIGTERM to all processes of the unit", 10, "decoder", made, lambda _: run(
        "systemctl", "kill", "--kill-who=all", "--signal=SIGTERM", "parlograph") is not None and restart(_))
    # Two minutes until each is noticed, so several at once.
    began = time.monotonic()
    stopped, names = 0, []
    while stopped < 10:
        run("systemctl", "stop", "parlograph")
        run("rm", "-rf", "/var/cache/parlograph/cache.sqlite")
        restart(None)
        names += [drop(source) for source in made]
        seen = set()
        end = time.monotonic() + 20
        while stopped < 10 and time.monotonic() < end and len(seen) < 3:
            for one in processes("decoder"):
                if one not in seen and send(one, signal.SIGSTOP):
                    seen.add(one)
                    stopped += 1
            time.sleep(0.05)
        for name in names:
            judge(name)
        names = []
    print("SIGSTOP of a decoder: %d, %.0f s" % (stopped, time.monotonic() - began))
    left = processes("decoder") + processes("ffmpeg")
    if left:
        faults.append("left behind: %s" % left)
    print("in all: %(whole)d whole, %(partial)d partial with their gap" % results)
    for fault in faults:
        print("FAULT: " + fault)
    sys.exit(1 if faults else 0)


main()
