#!/usr/bin/env python3
"""Makes tiny models with random weights of the families that the offline engine loads by sherpa-onnx.

Inputs, outputs, metadata and vocabularies are those of upstream's exports (scripts/ of sherpa-onnx), so that recognising,
loading and decoding go the real way; what they hear is nonsense, but depends on the audio. Moonshine's second version is
left out: its files have onnxruntime's own format, and the real one is at hand.

ONNX is protobuf: the few messages that are needed are written here, so that no package has to be installed.

Usage: random_models.py FOLDER     makes FOLDER/NAME for each family
"""
import base64
import os
import random
import struct
import sys

FLOAT, INT32, INT64, BOOL = 1, 6, 7, 9
WORDS = "alder birch cedar dogwood elm fir ginkgo hazel ivy juniper kapok larch maple nutmeg oak pine quince rowan".split()


# Protobuf and ONNX


def varint(value):
    value &= (1 << 64) - 1
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, str):
        value = value.encode()
    return varint(number << 3 | 2) + varint(len(value)) + value


def tensor(name, kind, dims, values):
    letter = {FLOAT: "f", INT32: "i", INT64: "q"}[kind]
    raw = struct.pack("<%d%s" % (len(values), letter), *values)
    return b"".join(field(1, dim) for dim in dims) + field(2, kind) + field(8, name) + field(9, raw)


def attribute(name, value):
    if isinstance(value, int):
        return field(1, name) + field(3, value) + field(20, 2)
    if isinstance(value, list):
        return field(1, name) + b"".join(field(8, item) for item in value) + field(20, 7)
    raise TypeError(name)


def value_info(name, kind, dims):
    shape = b"".join(field(1, field(1, dim) if isinstance(dim, int) else field(2, dim)) for dim in dims)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, shape)))


class Graph:
    """A network: inputs, outputs, nodes, and weights that are random or given."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.nodes, self.weights, self.inputs, self.outputs = [], [], [], []

    def input(self, name, kind, *dims):
        self.inputs.append(value_info(name, kind, dims))
        return name

    def output(self, name, kind, *dims):
        self.outputs.append(value_info(name, kind, dims))
        return name

    def constant(self, kind, dims, values):
        name = "weight_%d" % len(self.weights)
        self.weights.append(tensor(name, kind, dims, values))
        return name

    def ints(self, *values):
        return self.constant(INT64, [len(values)], values)

    def randoms(self, *dims, scale=1.0):
        count = 1
        for dim in dims:
            count *= dim
        return self.constant(FLOAT, dims, [self.random.gauss(0, scale) for _ in range(count)])

    def node(self, operator, inputs, output=None, **attributes):
        output = output or "value_%d" % len(self.nodes)
        body = b"".join(field(1, name) for name in inputs) + field(2, output) + field(4, operator)
        body += b"".join(field(5, attribute(name, value)) for name, value in sorted(attributes.items()))
        self.nodes.append(body)
        return output

    def frames(self, source, channels, size, stride, output=None):
        """(N, channels, T) to (N, size, T / stride)."""
        kernel = self.randoms(size, channels, stride)
        return self.node("Conv", [source, kernel], output, strides=[stride], kernel_shape=[stride])

    def lengths(self, source, stride, output):
        return self.node("Div", [source, self.ints(stride)], output)

    def write(self, path, **metadata):
        graph = b"".join(field(1, node) for node in self.nodes) + field(2, "random")
        graph += b"".join(field(5, weight) for weight in self.weights)
        graph += b"".join(field(11, one) for one in self.inputs) + b"".join(field(12, one) for one in self.outputs)
        model = field(1, 8) + field(2, "random_models.py") + field(7, graph) + field(8, field(1, "") + field(2, 14))
        for key, value in metadata.items():
            model += field(14, field(1, key) + field(2, str(value)))
        with open(path, "wb") as file:
            file.write(model)


def folder_for(root, name, tokens, file="tokens.txt"):
    folder = os.path.join(root, name)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, file), "w", encoding="utf-8") as out:
        out.writelines("%s %d\n" % (token, number) for number, token in enumerate(tokens))
    return folder


def words():
    return ["▁" + word for word in WORDS]


# The families


def nemo_ctc(root):
    tokens = ["<unk>"] + words() + ["<blk>"]
    folder = folder_for(root, "sherpa-onnx-nemo-ctc-random", tokens)
    graph = Graph("nemo ctc")
    graph.input("audio_signal", FLOAT, "N", 80, "T")
    graph.input("length", INT64, "N")
    heard = graph.frames("audio_signal", 80, len(tokens), 8)
    by_frame = graph.node("Transpose", [heard], perm=[0, 2, 1])
    graph.node("LogSoftmax", [by_frame], "logprobs", axis=2)
    graph.output("logprobs", FLOAT, "N", "T2", len(tokens))
    graph.write(
        folder + "/model.onnx", vocab_size=len(tokens), subsampling_factor=8, normalize_type="per_feature",
        model_type="EncDecCTCModelBPE")


def zipformer_ctc(root):
    tokens = ["<blk>", "<sos/eos>", "<unk>"] + words()
    folder = folder_for(root, "sherpa-onnx-zipformer-ctc-random", tokens)
    graph = Graph("zipformer ctc")
    graph.input("x", FLOAT, "N", "T", 80)
    graph.input("x_lens", INT64, "N")
    heard = graph.frames(graph.node("Transpose", ["x"], perm=[0, 2, 1]), 80, len(tokens), 4)
    graph.node("LogSoftmax", [graph.node("Transpose", [heard], perm=[0, 2, 1])], "log_probs", axis=2)
    graph.lengths("x_lens", 4, "log_probs_len")
    graph.output("log_probs", FLOAT, "N", "T2", len(tokens))
    graph.output("log_probs_len", INT64, "N")
    graph.write(folder + "/model.onnx", model_type="zipformer2_ctc")


def nemo_transducer(root, name, durations, url):
    features, size, layers, hidden = 128, 16, 2, 12
    tokens = ["<unk>"] + words() + ["<blk>"]
    folder = folder_for(root, name, tokens)
    encoder = Graph(name)
    encoder.input("audio_signal", FLOAT, "N", features, "T")
    encoder.input("length", INT64, "N")
    encoder.frames("audio_signal", features, size, 8, "outputs")
    encoder.lengths("length", 8, "encoded_lengths")
    encoder.output("outputs", FLOAT, "N", size, "T2")
    encoder.output("encoded_lengths", INT64, "N")
    encoder.write(
        folder + "/encoder.int8.onnx", vocab_size=len(tokens) - 1, normalize_type="per_feature", pred_rnn_layers=layers,
        pred_hidden=hidden, subsampling_factor=8, feat_dim=features, model_type="EncDecRNNTBPEModel", url=url)
    decoder = Graph(name + " decoder")
    decoder.input("targets", INT32, "N", "U")
    decoder.input("target_length", INT32, "N")
    decoder.input("states.1", FLOAT, layers, "N", hidden)
    decoder.input("onnx::Slice_3", FLOAT, layers, "N", hidden)
    said = decoder.node("Gather", [decoder.randoms(len(tokens), hidden), "targets"], axis=0)
    decoder.node("Transpose", [said], "outputs", perm=[0, 2, 1])
    for source, target in (("target_length", "prednet_lengths"), ("states.1", "states"), ("onnx::Slice_3", "162")):
        decoder.node("Identity", [source], target)
    decoder.output("outputs", FLOAT, "N", hidden, "U")
    decoder.output("prednet_lengths", INT32, "N")
    decoder.output("states", FLOAT, layers, "N", hidden)
    decoder.output("162", FLOAT, layers, "N", hidden)
    decoder.write(folder + "/decoder.int8.onnx")
    joiner = Graph(name + " joiner")
    joiner.input("encoder_outputs", FLOAT, "N", size, "T")
    joiner.input("decoder_outputs", FLOAT, "N", hidden, "U")
    both = joiner.node("Concat", ["encoder_outputs", "decoder_outputs"], axis=1)
    logits = joiner.node(
        "MatMul", [joiner.node("Transpose", [both], perm=[0, 2, 1]), joiner.randoms(size + hidden, len(tokens) + durations)])
    joiner.node("Unsqueeze", [logits, joiner.ints(1)], "logits")
    joiner.output("logits", FLOAT, "N", "T", "U", len(tokens) + durations)
    joiner.write(folder + "/joiner.int8.onnx")


def zipformer_transducer(root):
    size, hidden = 16, 12
    tokens = ["<blk>", "<sos/eos>", "<unk>"] + words()
    folder = folder_for(root, "sherpa-onnx-zipformer-random", tokens)
    encoder = Graph("zipformer")
    encoder.input("x", FLOAT, "N", "T", 80)
    encoder.input("x_lens", INT64, "N")
    heard = encoder.frames(encoder.node("Transpose", ["x"], perm=[0, 2, 1]), 80, size, 4)
    encoder.node("Transpose", [heard], "encoder_out", perm=[0, 2, 1])
    encoder.lengths("x_lens", 4, "encoder_out_lens")
    encoder.output("encoder_out", FLOAT, "N", "T2", size)
    encoder.output("encoder_out_lens", INT64, "N")
    encoder.write(folder + "/encoder-epoch-99-avg-1.onnx", model_type="zipformer2", version=1)
    decoder = Graph("zipformer decoder")
    decoder.input("y", INT64, "N", 2)
    context = decoder.node("Gather", [decoder.randoms(len(tokens), hidden), "y"], axis=0)
    decoder.node("ReduceMean", [context], "decoder_out", axes=[1], keepdims=0)
    decoder.output("decoder_out", FLOAT, "N", hidden)
    decoder.write(folder + "/decoder-epoch-99-avg-1.onnx", vocab_size=len(tokens), context_size=2)
    joiner = Graph("zipformer joiner")
    joiner.input("encoder_out", FLOAT, "N", size)
    joiner.input("decoder_out", FLOAT, "N", hidden)
    both = joiner.node("Concat", ["encoder_out", "decoder_out"], axis=1)
    joiner.node("MatMul", [both, joiner.randoms(size + hidden, len(tokens))], "logit")
    joiner.output("logit", FLOAT, "N", len(tokens))
    joiner.write(folder + "/joiner-epoch-99-avg-1.onnx", joiner_dim=size)


def sense_voice(root):
    tags = ["<|zh|>", "<|en|>", "<|NEUTRAL|>", "<|Speech|>", "<|withitn|>"]
    tokens = ["<unk>"] + tags + words()
    folder = folder_for(root, "sherpa-onnx-sense-voice-random", tokens)
    window, shift = 7, 6
    graph = Graph("sense voice")
    graph.input("x", FLOAT, "N", "T", 80 * window)
    for name in ("x_length", "language", "text_norm"):
        graph.input(name, INT32, "N")
    said = [float(9 if tokens[at] == tag else 0) for tag in tags[1:] for at in range(len(tokens))]
    front = graph.constant(FLOAT, [1, 4, len(tokens)], said)
    # Tags come in front only.
    bias = graph.constant(FLOAT, [len(tokens)], [-50.0 if token in tags else 0.0 for token in tokens])
    heard = graph.node("Add", [graph.node("MatMul", ["x", graph.randoms(80 * window, len(tokens))]), bias])
    graph.node("Concat", [front, heard], "logits", axis=1)
    graph.output("logits", FLOAT, "N", "T4", len(tokens))
    graph.write(
        folder + "/model.int8.onnx", lfr_window_size=window, lfr_window_shift=shift, normalize_samples=0, with_itn=14,
        without_itn=15, lang_auto=0, lang_zh=3, lang_en=4, lang_yue=7, lang_ja=11, lang_ko=12,
        vocab_size=len(tokens), neg_mean=",".join(["0"] * 80 * window), inv_stddev=",".join(["1"] * 80 * window),
        model_type="sense_voice_ctc", comment="random")


def talkative(tokens, rows, first, last, end, allowed, forced=()):
    """A table of what may be said at each place: words from `first` to `last`, then `end`; `forced` has other ones."""
    table = []
    for at in range(rows):
        row = [0.0 if token in allowed else -50.0 for token in range(tokens)]
        if at > last:
            row[end] = 50.0
        elif at < first:
            row = [0.0] * tokens
        for place, token in forced:
            if place == at:
                row[token] = 100.0
        table += row
    return table


def canary(root):
    features, size, layers, hidden = 128, 16, 2, 12
    tags = [
        "<unk>", "<|startofcontext|>", "<|startoftranscript|>", "<|emo:undefined|>", "<|en|>", "<|de|>", "<|es|>", "<|fr|>",
        "<|pnc|>", "<|nopnc|>", "<|noitn|>", "<|notimestamp|>", "<|nodiarize|>", "<|endoftext|>",
    ]
    tokens = tags + words()
    count = len(tokens)
    folder = folder_for(root, "sherpa-onnx-nemo-canary-random", tokens)
    encoder = Graph("canary")
    encoder.input("x", FLOAT, "N", "T", features)
    encoder.input("x_len", INT64, "N")
    heard = encoder.frames(encoder.node("Transpose", ["x"], perm=[0, 2, 1]), features, size, 8)
    states = encoder.node("Transpose", [heard], "enc_states", perm=[0, 2, 1])
    encoder.lengths("x_len", 8, "enc_len")
    total = encoder.node("ReduceSum", [encoder.node("Mul", [states, states]), encoder.ints(2)], keepdims=0)
    encoder.node("GreaterOrEqual", [total, encoder.constant(FLOAT, [1], [0.0])], "enc_mask")
    encoder.output("enc_states", FLOAT, "N", "T2", size)
    encoder.output("enc_len", INT64, "N")
    encoder.output("enc_mask", BOOL, "N", "T2")
    encoder.write(
        folder + "/encoder.int8.onnx", vocab_size=count, normalize_type="per_feature", subsampling_factor=8,
        feat_dim=features, num_decoder_layers=layers, decoder_hidden_size=hidden, model_type="EncDecMultiTaskModel")
    decoder = Graph("canary decoder")
    decoder.input("decoder_input_ids", INT32, "N", 2)
    memories = [decoder.input("decoder_mems_list_%d" % at, FLOAT, "N", "past_%d" % at, hidden) for at in range(layers)]
    decoder.input("enc_states", FLOAT, "N", "T2", size)
    decoder.input("enc_mask", BOOL, "N", "T2")
    token = decoder.node("Gather", ["decoder_input_ids", decoder.ints(0)], axis=1)
    place = decoder.node("Gather", ["decoder_input_ids", decoder.ints(1)], axis=1)
    said = decoder.node("Gather", [decoder.randoms(count, hidden), token], axis=0)
    audio = decoder.node("ReduceMean", ["enc_states"], axes=[1], keepdims=1)
    known = decoder.node("Concat", [said, audio], axis=2)
    table = talkative(count, 1200, 0, 8, count - len(WORDS) - 1, range(len(tags), count))
    may = decoder.node("Gather", [decoder.constant(FLOAT, [1200, count], table), place], axis=0)
    decoder.node("Add", [decoder.node("MatMul", [known, decoder.randoms(hidden + size, count)]), may], "logits")
    decoder.output("logits", FLOAT, "N", 1, count)
    for at, memory in enumerate(memories):
        decoder.node("Concat", [memory, said], "next_decoder_mem_list_%d" % at, axis=1)
        decoder.output("next_decoder_mem_list_%d" % at, FLOAT, "N", "next_%d" % at, hidden)
    decoder.write(folder + "/decoder.int8.onnx")


def whisper(root):
    size, context, layers = 12, 448, 1
    languages = ["en", "de", "fr"]
    texts = [" " + word for word in WORDS] + ["."]
    eot = len(texts)
    sot, first_language = eot + 1, eot + 2
    translate = first_language + len(languages)
    transcribe, no_speech, no_timestamps = translate + 1, translate + 2, translate + 3
    count = no_timestamps + 1 + 1501
    lines = [base64.b64encode(text.encode()).decode() for text in texts]
    folder = folder_for(root, "sherpa-onnx-whisper-random", lines, "random-tokens.txt")
    encoder = Graph("whisper")
    encoder.input("mel", FLOAT, "N", 80, "T")
    heard = encoder.node("Transpose", [encoder.frames("mel", 80, size, 2)], perm=[0, 2, 1])
    for name in ("n_layer_cross_k", "n_layer_cross_v"):
        encoder.node("Unsqueeze", [heard, encoder.ints(0)], name)
        encoder.output(name, FLOAT, layers, "N", "T2", size)
    encoder.write(
        folder + "/random-encoder.int8.onnx", model_type="whisper-random", version=1, n_mels=80, n_audio_ctx=1500,
        n_audio_state=size, n_audio_head=1, n_audio_layer=layers, n_vocab=count, n_text_ctx=context, n_text_state=size,
        n_text_head=1, n_text_layer=layers, sot_sequence="%d,%d,%d" % (sot, first_language, transcribe),
        all_language_tokens=",".join(str(first_language + at) for at in range(len(languages))),
        all_language_codes=",".join(languages), sot=sot, sot_index=0, eot=eot, blank_id=0, is_multilingual=1,
        no_speech=no_speech, non_speech_tokens="", transcribe=transcribe, translate=translate, sot_prev=no_timestamps,
        sot_lm=no_timestamps, no_timestamps=no_timestamps)
    decoder = Graph("whisper decoder")
    decoder.input("tokens", INT64, "N", "n")
    caches = [decoder.input("in_n_layer_self_%s_cache" % one, FLOAT, layers, "N", context, size) for one in "kv"]
    decoder.input("n_layer_cross_k", FLOAT, layers, "N", "T2", size)
    decoder.input("n_layer_cross_v", FLOAT, layers, "N", "T2", size)
    decoder.input("offset", INT64, 1)
    said = decoder.node("Gather", [decoder.randoms(count, size), "tokens"], axis=0)
    audio = decoder.node("ReduceMean", ["n_layer_cross_k"], axes=[0, 2], keepdims=0)
    known = decoder.node("Add", [said, decoder.node("Unsqueeze", [audio, decoder.ints(1)])])
    # Three tokens are given; a time, some words, a time and the end follow.
    begin = no_timestamps + 1
    table = talkative(
        count, context, 2, 9, eot, range(len(texts)), [(2, begin), (9, begin + 40)])
    zero, one = decoder.constant(INT64, [], [0]), decoder.constant(INT64, [], [1])
    length = decoder.node("Gather", [decoder.node("Shape", ["tokens"]), decoder.constant(INT64, [], [1])], axis=0)
    places = decoder.node("Add", [decoder.node("Range", [zero, length, one]), "offset"])
    may = decoder.node("Gather", [decoder.constant(FLOAT, [context, count], table), places], axis=0)
    decoder.node("Add", [decoder.node("MatMul", [known, decoder.randoms(size, count)]), may], "logits")
    decoder.output("logits", FLOAT, "N", "n", count)
    for one, cache in zip("kv", caches):
        decoder.node("Identity", [cache], "out_n_layer_self_%s_cache" % one)
        decoder.output("out_n_layer_self_%s_cache" % one, FLOAT, layers, "N", context, size)
    decoder.write(folder + "/random-decoder.int8.onnx")


def moonshine_v1(root):
    size, state = 12, 4
    lines = ["<unk>", "<s>", "</s>"] + words()
    count = len(lines)
    folder = folder_for(root, "sherpa-onnx-moonshine-random-en-int8", lines)
    graph = Graph("moonshine")
    graph.input("args_0", FLOAT, "N", "samples")
    wave = graph.node("Unsqueeze", ["args_0", graph.ints(1)])
    graph.node("Transpose", [graph.frames(wave, 1, size, 384)], "features", perm=[0, 2, 1])
    graph.output("features", FLOAT, "N", "T", size)
    graph.write(folder + "/preprocess.onnx")
    graph = Graph("moonshine encoder")
    graph.input("args_0", FLOAT, "N", "T", size)
    graph.input("args_1", INT32, 1)
    graph.node("MatMul", ["args_0", graph.randoms(size, size)], "context")
    graph.output("context", FLOAT, "N", "T", size)
    graph.write(folder + "/encode.int8.onnx")
    for name, has_states in (("uncached_decode", False), ("cached_decode", True)):
        graph = Graph("moonshine decoder")
        graph.input("args_0", INT32, "N", 1)
        graph.input("args_1", FLOAT, "N", "T", size)
        graph.input("args_2", INT32, 1)
        states = [graph.input("args_%d" % (3 + at), FLOAT, "N", state) for at in range(2)] if has_states else []
        said = graph.node("Gather", [graph.randoms(count, size), "args_0"], axis=0)
        audio = graph.node("ReduceMean", ["args_1"], axes=[1], keepdims=1)
        table = graph.constant(FLOAT, [400, count], talkative(count, 400, 0, 6, 2, range(3, count)))
        may = graph.node("Unsqueeze", [graph.node("Gather", [table, "args_2"], axis=0), graph.ints(0)])
        known = graph.node("Add", [said, audio])
        graph.node("Add", [graph.node("MatMul", [known, graph.randoms(size, count)]), may], "logits")
        graph.output("logits", FLOAT, "N", 1, count)
        for at in range(2):
            if states:
                graph.node("Identity", [states[at]], "state_%d" % at)
            else:
                graph.node("Identity", [graph.randoms(1, state)], "state_%d" % at)
            graph.output("state_%d" % at, FLOAT, "N", state)
        graph.write(folder + "/%s.int8.onnx" % name)


def main():
    root = sys.argv[1]
    nemo_ctc(root)
    zipformer_ctc(root)
    nemo_transducer(root, "sherpa-onnx-nemo-parakeet-tdt-random-int8", 5, "https://huggingface.co/nvidia/parakeet-tdt-random")
    nemo_transducer(root, "sherpa-onnx-nemo-transducer-random-int8", 0, "https://huggingface.co/nvidia/rnnt-random")
    zipformer_transducer(root)
    sense_voice(root)
    canary(root)
    whisper(root)
    moonshine_v1(root)


main()
