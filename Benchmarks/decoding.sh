#!/bin/bash
# CPU time of decoding and resampling one hour of MP3 (44.1 kHz, stereo, 128 kbit/s) to 16 kHz mono, against ffmpeg, in
# turn in one run. Prints each round's figures and the ratio; the aim is a ratio of at most 0.7.
# Usage: Benchmarks/decoding.sh [PROGRAM] [ROUNDS]      needs ffmpeg, flite, sox, lame
set -euo pipefail
program=${1:-.build-program/release/parlograph}
rounds=${2:-3}
folder=$(mktemp -d "${TMPDIR:-/tmp}/parlograph-benchmark.XXXXXX")
trap 'rm -rf "$folder"' EXIT

flite -voice slt -o "$folder/speech.wav" -t "The committee will meet on Monday morning to discuss the budget for the next \
financial year. Please bring the report about the new school, and tell the others that the room has changed."
seconds=$(soxi -D "$folder/speech.wav")
times=$(awk -v s="$seconds" 'BEGIN { print int(3600 / s) }')
sox "$folder/speech.wav" -r 44100 -c 2 "$folder/hour.wav" repeat "$times"
lame --quiet -b 128 "$folder/hour.wav" "$folder/hour.mp3"
rm "$folder/hour.wav"

# User and system seconds of a command and its children.
cpu() {
  local TIMEFORMAT='%U %S'
  { time "$@" >/dev/null 2>/dev/null; } 2>&1 | awk '{ print $1 + $2 }'
}
ours() { "$program" __decode < "$folder/hour.mp3"; }
theirs() { ffmpeg -nostdin -v error -i "$folder/hour.mp3" -ac 1 -ar 16000 -f s16le -; }

for round in $(seq "$rounds"); do
  a=$(cpu ours)
  b=$(cpu theirs)
  awk -v a="$a" -v b="$b" -v r="$round" 'BEGIN { printf "round %d: parlograph %.2f s, ffmpeg %.2f s, ratio %.2f\n", r, a, b, a / b }'
done
