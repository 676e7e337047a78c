"""What the laboratory scripts share: audio that says which second it is, a server that counts what it is asked for, and
the service in a folder of its own. Needs nothing but Python."""

import array
import hashlib
import json
import math
import os
import random
import re
import signal
import subprocess
import threading
import time
import wave
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def burst(pitch):
    """0.8 s of a tone that swells and fades, then 0.2 s of silence."""
    out = array.array("h", (
        int(9000 * math.sin(math.pi * n / 12800) * math.sin(2 * math.pi * pitch * n / 16000)) for n in range(12800)))
    out.extend([0] * 3200)
    return out


BURSTS = []


def speech(seed, seconds):
    """16 kHz mono samples: tones with pauses, in another order for each seed."""
    if not BURSTS:
        BURSTS.extend(burst(120 + 17 * number) for number in range(40))
    draw = random.Random(seed)
    out = array.array("h")
    for _ in range(seconds):
        out.extend(draw.choice(BURSTS))
    return out


def write_wav(path, samples):
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(samples.tobytes())


class Server:
    """Answers OpenAI's transcription request; the text depends on the chunk's bytes alone. `answered` counts, for each
    chunk, the answers that were given whole to the socket, `asked` the requests."""

    def __init__(self, delay=0.0):
        self.delay = delay
        self.asked = {}
        self.answered = {}
        self.open = True
        self.lock = threading.Lock()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Header and body are two writes: the second must not wait for the first one's acknowledgement.
            disable_nagle_algorithm = True

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                chunk = owner.chunk(body)
                with owner.lock:
                    owner.asked[chunk] = owner.asked.get(chunk, 0) + 1
                if owner.delay:
                    time.sleep(random.uniform(0.5, 1.5) * owner.delay)
                text = "words " + chunk[:12]
                answer = json.dumps({
                    "task": "transcribe", "language": "english", "duration": 1.0, "text": text,
                    "segments": [{"id": 0, "start": 0.0, "end": 0.8, "text": text}],
                }).encode()
                status = 200 if owner.open else 503
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)
                    self.wfile.flush()
                except OSError:
                    return
                if status == 200:
                    with owner.lock:
                        owner.answered.setdefault(chunk, []).append(time.monotonic())

            def log_message(self, *_):
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.http = Quiet(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d/v1" % self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    @staticmethod
    def chunk(body):
        """The SHA-256 of the uploaded file, wherever it stands in the form."""
        boundary = body.split(b"\r\n", 1)[0]
        for part in body.split(boundary):
            head, _, content = part.partition(b"\r\n\r\n")
            if b"filename=" in head:
                return hashlib.sha256(content[:-2]).hexdigest()
        return "no file"


class Place:
    """A folder with a configuration, and the service in it."""

    def __init__(self, folder, program, server, cache=None, inbox="", top="", engine=None, processing=""):
        self.folder, self.program, self.service = folder, program, None
        self.log = os.path.join(folder, "service.log")
        for name in ("inbox", "outbox", "done", "failed", "state", "cache"):
            os.makedirs(os.path.join(folder, name), exist_ok=True)
        engine = engine or 'kind = "openai"\nbase_url = "%s"\nchunk_target_seconds = 5\nchunk_max_seconds = 6' % server.url
        with open(self.path("parlograph.toml"), "w") as file:
            file.write("""state_directory = "{0}/state"
cache_directory = "{0}/cache"
{top}
[[inbox]]
path = "{0}/inbox"
outbox = "{0}/outbox"
done = "{0}/done"
failed = "{0}/failed"
engine = "fake"
settle_seconds = 0.2
{inbox}
[processing]
max_concurrent_chunks = 4
max_chunk_retries = 3
chunk_retry_delay_seconds = 0
shutdown_seconds = 5
min_free_space_mb = 0
{processing}
{cache}
[engines.fake]
{engine}
""".format(folder, top=top, inbox=inbox, cache=cache or "", engine=engine, processing=processing))

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def start(self, *arguments):
        log = open(self.log, "ab")
        environment = dict(os.environ, SWIFT_BACKTRACE="enable=no")
        self.service = subprocess.Popen(
            [self.program, "serve", "--config", self.path("parlograph.toml"), *arguments], stdout=log, stderr=log,
            env=environment)
        return self.service

    def kill(self):
        self.service.send_signal(signal.SIGKILL)
        self.service.wait()

    def stop(self):
        self.service.send_signal(signal.SIGTERM)
        return self.service.wait(60)

    def lives(self):
        return self.service.poll() is None

    def said(self, words):
        with open(self.log, errors="replace") as file:
            return sum(words in line for line in file)

    def files(self, name):
        found = []
        for folder, _, names in os.walk(self.path(name)):
            found += [os.path.relpath(os.path.join(folder, one), self.path(name)) for one in names]
        return sorted(found)

    def counts(self):
        """Jobs in each state, by the journal."""
        import sqlite3
        with sqlite3.connect("file:%s?mode=ro" % self.path("state", "jobs.sqlite"), uri=True, timeout=30) as journal:
            return dict(journal.execute("select state, count(*) from job group by state"))

    def figures(self):
        """Resident memory in MiB, its peak, and seconds of processor time of the service."""
        status = open("/proc/%d/status" % self.service.pid).read()
        stat = open("/proc/%d/stat" % self.service.pid).read().rsplit(")", 1)[1].split()
        memory = {key: int(value) / 1024 for key, value in re.findall(r"(VmRSS|VmHWM):\s+(\d+)", status)}
        return memory["VmRSS"], memory["VmHWM"], (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def until(what, limit, test):
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if test():
            return
        time.sleep(0.05)
    raise SystemExit("FAILED: %s did not come within %d s" % (what, limit))


FACTS = ("processing_time", "cache_hits", "from_cache", "attempts")


def without_facts(value):
    """A .json without the facts of the run (docs/decisions/0019), and without the digest that they change."""
    if isinstance(value, dict):
        return {key: without_facts(one) for key, one in value.items() if key not in FACTS}
    return [without_facts(one) for one in value] if isinstance(value, list) else value


def contents(path):
    with open(path, "rb") as file:
        bytes = file.read()
    return without_facts(json.loads(bytes)) if path.endswith(".json") else bytes
