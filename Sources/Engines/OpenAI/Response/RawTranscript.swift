import Transcription

/// What a server said, before its times are made sense of.
struct RawTranscript: Sendable {
    /// A stretch of text with times in the server's own unit, nil where it gave none.
    struct Piece: Sendable {
        var start: Double?
        var end: Double?
        /// As sent, white space included: it tells whether a word goes on from the piece before.
        var text: String
        var words: [Word] = []
        /// The unit that servers use for times under these names, if it is not seconds.
        var unitHint: Double?
        /// As `SpeakerLabel.cleaned` has it.
        var speaker: String?
        var averageLogProbability: Double?
        var noSpeechProbability: Double?
        var compressionRatio: Double?
    }

    struct Word: Sendable {
        var start: Double?
        var end: Double?
        var text: String
        var probability: Double?
        var unitHint: Double?
        var speaker: String?
    }

    /// As the server names it.
    var language: String?
    var text: String?
    var pieces: [Piece] = []
    /// Word times that the server gave beside the pieces, not inside them.
    var words: [Word] = []
}

extension RawTranscript {
    /// What servers call the list of segments: OpenAI and nearly all; FunASR; whisper.cpp's command line; services that tell
    /// speakers apart; Hugging Face's pipeline.
    private static let segmentLists = ["segments", "sentence_info", "transcription", "utterances", "chunks"]

    /// Whether an answer holds a transcript, be it of nothing: a text, or a list of segments or words.
    static func isTranscript(_ value: JSONValue) -> Bool {
        value["text"]?.string != nil
            || (segmentLists + ["words"]).contains { key in
                value[key]?.array.map { $0.isEmpty || $0.contains(where: \.isObject) } ?? false
            }
    }

    /// Whether something is said in it.
    static func holdsText(_ value: JSONValue) -> Bool {
        let own = [value["text"], value["word"], value["sentence"]].contains {
            $0?.string.map { !$0.trimmed.isEmpty } ?? false
        }
        return own
            || (segmentLists + ["words"]).contains { value[$0]?.array?.contains(where: holdsText) ?? false }
    }

    /// Whether it is in the shape of an answer with times, were something said in it.
    static func hasListOfSegments(_ value: JSONValue) -> Bool { segmentLists.contains { value[$0] != nil } }

    /// Reads an answer in the shape of OpenAI's `json`, `verbose_json` or `diarized_json` and all known variants of it.
    init(json value: JSONValue) {
        language = value["language"]?.string ?? value["languages"]?.array?.first?["code"]?.string
        text = value["text"]?.string
        // FunASR counts in milliseconds there.
        for list in Self.segmentLists where pieces.isEmpty {
            let unit: Double? = list == "sentence_info" ? 1000 : nil
            pieces = (value[list]?.array ?? []).compactMap { Piece(json: $0, unitHint: unit) }
        }
        words = (value["words"]?.array ?? []).compactMap { Word(json: $0) }
        dropConstantMetrics()
    }

    /// Xinference writes 0 for what it does not know: zero everywhere means unknown, not certain.
    private mutating func dropConstantMetrics() {
        let isConstant = pieces.allSatisfy {
            ($0.averageLogProbability ?? 0) == 0 && ($0.noSpeechProbability ?? 0) == 0
                && ($0.compressionRatio ?? 0) == 0
        }
        guard isConstant else { return }
        for at in pieces.indices {
            pieces[at].averageLogProbability = nil
            pieces[at].noSpeechProbability = nil
            pieces[at].compressionRatio = nil
        }
    }
}

extension RawTranscript.Piece {
    /// - Parameter unitHint: what the list that it stands in counts in, if that is not seconds.
    init?(json value: JSONValue, unitHint hint: Double? = nil) {
        guard value.isObject else { return nil }
        words = (value["words"]?.array ?? []).compactMap { RawTranscript.Word(json: $0, unitHint: hint) }
        text = (value["text"] ?? value["sentence"])?.string ?? words.text
        let stretch = RawTimestamps(json: value)
        // One whose words have times has them by these.
        start = stretch.start ?? words.lazy.compactMap(\.start).first
        end = stretch.end ?? words.lazy.reversed().compactMap { $0.end ?? $0.start }.first
        unitHint = stretch.isEmpty ? words.first?.unitHint : stretch.unitHint ?? hint
        speaker = value.speaker
        averageLogProbability = value["avg_logprob"]?.finiteNumber
        noSpeechProbability = value["no_speech_prob"]?.finiteNumber
        compressionRatio = value["compression_ratio"]?.finiteNumber
    }
}

extension RawTranscript.Word {
    init?(json value: JSONValue, unitHint hint: Double? = nil) {
        // LocalAI names the word "text".
        guard let text = value["word"]?.string ?? value["text"]?.string, !text.trimmed.isEmpty else { return nil }
        self.text = text
        let stretch = RawTimestamps(json: value)
        (start, end, unitHint) = (stretch.start, stretch.end, stretch.unitHint ?? hint)
        speaker = value.speaker
        probability = (value["probability"] ?? value["confidence"] ?? value["score"])?.finiteNumber
            .flatMap { (0...1).contains($0) ? $0 : nil }
    }
}

extension JSONValue {
    /// Who speaks: a label or a number; nil for one below zero, which means that nobody knows.
    fileprivate var speaker: String? {
        for key in ["speaker", "spk", "speaker_id", "speaker_label"] {
            switch self[key] {
            case .string(let text): if let label = SpeakerLabel.cleaned(text.withoutControls) { return label }
            case .number(let number): if number >= 0, let whole = Int(exactly: number) { return "\(whole)" }
            default: break
            }
        }
        return nil
    }
}
