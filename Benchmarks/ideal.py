#!/usr/bin/env python3
"""Wall time of recordings of several sizes against the ideal: (chunks / requests at a time, rounded up) x answer time.

Usage: Benchmarks/ideal.py [--program P] [--seconds 15] [--at-a-time 4] [--sizes 25,50,100,200,500]

The server runs in this process, takes any upload and answers a fixed time after its last byte. "first chunk" is the time
from the program's start to the last byte of its first upload. Needs sox and lame.
"""

import argparse
import http.server
import json
import math
import os
import random
import subprocess
import tempfile
import threading
import time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answer_time = 0.0
    arrivals: list[float] = []

    def do_POST(self):
        left = int(self.headers["Content-Length"])
        while left > 0:
            left -= len(self.rfile.read(min(left, 1 << 20)))
        self.arrivals.append(time.monotonic())
        time.sleep(self.answer_time)
        # Some text: nothing at all over sound would be asked for once more.
        heard = [{"start": 0.5, "end": 2.5, "text": "one two three"}]
        body = json.dumps({"text": "one two three", "segments": heard}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def pieces(folder):
    """MP3 stretches of about a minute, noise with a pause to cut in; all differ, so that no chunk equals another."""
    made = []
    for number in range(8):
        wave, mpeg = f"{folder}/{number}.wav", f"{folder}/{number}.mp3"
        subprocess.run(["sox", "-R", "-n", "-r", "44100", "-c", "2", wave, "synth", str(40 + 3 * number), "pinknoise",
                        "vol", "0.3", "pad", "0", "3"], check=True)
        subprocess.run(["lame", "--quiet", "-b", "128", "-t", "--nores", wave, mpeg], check=True)
        with open(mpeg, "rb") as file:
            made.append(file.read())
        os.remove(wave)
    return made


def recording(path, megabytes, stretches):
    order = random.Random(megabytes)
    left = megabytes << 20
    with open(path, "wb") as file:
        while left > 0:
            left -= file.write(order.choice(stretches))


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--program", default=".build-program/release/parlograph")
    options.add_argument("--seconds", type=float, default=15, help="answer time of the server")
    options.add_argument("--at-a-time", type=int, default=4)
    options.add_argument("--sizes", default="25,50,100,200,500", help="MB")
    chosen = options.parse_args()
    Handler.answer_time = chosen.seconds
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/parlograph.toml", "w") as file:
            file.write(f'[engines.bench]\nkind = "openai"\nbase_url = "http://127.0.0.1:{server.server_address[1]}/v1"\n'
                       f"api_rate_limit_per_minute = 0\n[processing]\nmax_concurrent_chunks = {chosen.at_a_time}\n")
        stretches = pieces(folder)
        print("MB    chunks  ideal s  first chunk s  wall s  (wall - first) / ideal  one at a time / wall  peak MB")
        for size in map(int, chosen.sizes.split(",")):
            path = f"{folder}/{size}.mp3"
            recording(path, size, stretches)
            Handler.arrivals.clear()
            began = time.monotonic()
            process = subprocess.Popen(
                [chosen.program, "transcribe", path, "-o", folder, "--formats", "json", "--no-cache", "--quiet",
                 "--engine", "bench", "--config", f"{folder}/parlograph.toml"], stdout=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.monotonic() - began
            if status != 0:
                raise SystemExit(f"{size} MB: the program ended with status {os.waitstatus_to_exitcode(status)}")
            count = len(Handler.arrivals)
            ideal = math.ceil(count / chosen.at_a_time) * chosen.seconds
            first = Handler.arrivals[0] - began
            print(f"{size:<5} {count:<7} {ideal:<8.1f} {first:<14.2f} {wall:<7.2f} {(wall - first) / ideal:<23.3f} "
                  f"{count * chosen.seconds / wall:<21.2f} {usage.ru_maxrss // 1024}", flush=True)
            os.remove(path)


main()
