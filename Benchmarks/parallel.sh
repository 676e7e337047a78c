#!/bin/bash
# Wall time of one recording with one and with four requests at a time, against a server on this machine that takes a
# fixed time for an answer. Prints both times and the speed-up.
# Usage: Benchmarks/parallel.sh [PROGRAM] [SECONDS_A_REQUEST] [MINUTES_OF_AUDIO]      needs python3, sox, lame
set -euo pipefail
program=${1:-.build-program/release/parlograph}
latency=${2:-5}
minutes=${3:-110}
folder=$(mktemp -d "${TMPDIR:-/tmp}/parlograph-benchmark.XXXXXX")
server=""
cleanup() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; fi
  rm -rf "$folder"
}
trap cleanup EXIT

# Bursts of noise with pauses to cut in.
sox -n -r 44100 -c 2 "$folder/piece.wav" synth 50 pinknoise vol 0.3 pad 0 10
sox "$folder/piece.wav" "$folder/long.wav" repeat "$((minutes - 1))"
lame --quiet -b 128 "$folder/long.wav" "$folder/long.mp3"
rm "$folder/long.wav"

python3 - "$latency" > "$folder/port" <<'PYTHON' &
import http.server, json, sys, time
latency = float(sys.argv[1])
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        left = int(self.headers["Content-Length"])
        while left > 0:
            left -= len(self.rfile.read(min(left, 1 << 20)))
        time.sleep(latency)
        heard = [{"start": 0.5, "end": 2.5, "text": "one two three"}]
        body = json.dumps({"text": "one two three", "segments": heard}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
PYTHON
server=$!
until [ -s "$folder/port" ]; do sleep 0.1; done

cat > "$folder/parlograph.toml" <<TOML
[engines.bench]
kind = "openai"
base_url = "http://127.0.0.1:$(cat "$folder/port")/v1"
api_rate_limit_per_minute = 0
TOML

wall() {
  local TIMEFORMAT='%R'
  { time PARLOGRAPH_PROCESSING_MAX_CONCURRENT_CHUNKS=$1 "$program" transcribe "$folder/long.mp3" -o "$folder" --quiet \
    --formats json --no-cache --engine bench --config "$folder/parlograph.toml" >/dev/null; } 2>&1
}
one=$(wall 1)
four=$(wall 4)
awk -v a="$one" -v b="$four" 'BEGIN { printf "one at a time %.1f s, four at a time %.1f s, speed-up %.2f\n", a, b, a / b }'
