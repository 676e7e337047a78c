#!/bin/sh
# Shows the whole way once: a temporary inbox and outbox, the service with the offline engine, a recording dropped in.
# Usage: demo.sh PROGRAM [RECORDING]
set -eu
program=$1
recording=${2:-}
folder=$(mktemp -d "${TMPDIR:-/tmp}/parlograph-demo.XXXXXX")
service=""
cleanup() {
  if [ -n "$service" ]; then
    kill "$service" 2>/dev/null || true
    wait "$service" 2>/dev/null || true
  fi
}
trap cleanup EXIT
trap 'exit 130' INT TERM

mkdir "$folder/inbox" "$folder/outbox"
cat > "$folder/parlograph.toml" <<TOML
state_directory = "$folder/state"
cache_directory = "$folder/cache"
log_level = "notice"

[[inbox]]
path = "$folder/inbox"
outbox = "$folder/outbox"
done = "$folder/done"
failed = "$folder/failed"
TOML

if [ -n "$recording" ]; then
  [ -f "$recording" ] || { echo "There is no file $recording." >&2; exit 66; }
  set -- "$recording"
else
  echo "Making two recordings with a synthetic voice …"
  flite -voice slt -o "$folder/meeting.wav" -t "The committee will meet on Monday morning to discuss the budget for the \
next financial year."
  flite -voice slt -o "$folder/letter.wav" -t "Dear Madam. Thank you very much for your letter. We will send the books \
to your house on Friday."
  lame --quiet -b 64 "$folder/letter.wav" "$folder/letter.mp3"
  set -- "$folder/meeting.wav" "$folder/letter.mp3"
fi

echo "Inbox:  $folder/inbox"
echo "Outbox: $folder/outbox"
"$program" serve --config "$folder/parlograph.toml" &
service=$!

for file in "$@"; do
  echo "Dropping $(basename "$file") into the inbox."
  cp "$file" "$folder/inbox/"
done

# Until a set of sidecars (the .json comes last) or an error note is there for each recording.
for file in "$@"; do
  name=$(basename "$file")
  base="$folder/outbox/${name%.*}"
  until [ -e "$base.json" ] || [ -e "$base.error.txt" ]; do
    kill -0 "$service" 2>/dev/null || { echo "The service ended unexpectedly." >&2; exit 70; }
    sleep 1
    "$program" status --config "$folder/parlograph.toml" 2>/dev/null | grep '^  ' || true
  done
done

status=0
for file in "$@"; do
  name=$(basename "$file")
  base="$folder/outbox/${name%.*}"
  if [ -e "$base.error.txt" ]; then
    echo; echo "== $base.error.txt"; cat "$base.error.txt"; status=65
    continue
  fi
  for ending in txt srt; do
    echo; echo "== $base.$ending"; cat "$base.$ending"
  done
done
echo
echo "Everything is in $folder; delete it when you have seen enough."
exit "$status"
