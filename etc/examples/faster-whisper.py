#!/opt/faster-whisper/bin/python
"""Transcribes a WAV file with faster-whisper and prints OpenAI's verbose_json: for an engine of kind "command"."""
import argparse
import json
import os

os.environ.setdefault("HF_HOME", "/opt/faster-whisper/models")
from faster_whisper import WhisperModel  # noqa: E402: HF_HOME is read when it is loaded

parser = argparse.ArgumentParser()
parser.add_argument("--model", default="small")
parser.add_argument("--language", default="auto")
parser.add_argument("file")
arguments = parser.parse_args()
# "de" of "de-AT"; some languages have three letters.
language = arguments.language.replace("_", "-").split("-")[0].lower()

model = WhisperModel(arguments.model, device="auto", compute_type="int8")
segments, info = model.transcribe(
    arguments.file, language=None if language == "auto" else language, beam_size=5, word_timestamps=True,
    vad_filter=True, condition_on_previous_text=False)
answer = {"language": info.language, "duration": info.duration, "segments": [], "words": []}
for segment in segments:
    answer["segments"].append({
        "start": segment.start, "end": segment.end, "text": segment.text.strip(), "avg_logprob": segment.avg_logprob,
        "no_speech_prob": segment.no_speech_prob, "compression_ratio": segment.compression_ratio})
    answer["words"] += [{"word": word.word.strip(), "start": word.start, "end": word.end} for word in segment.words or []]
answer["text"] = " ".join(segment["text"] for segment in answer["segments"])
print(json.dumps(answer, ensure_ascii=False))
