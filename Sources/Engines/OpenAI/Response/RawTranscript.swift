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
        var averageLogProbability: Double?
        var noSpeechProbability: Double?
        var compressionRatio: Double?
    }

    struct Word: Sendable {
        var start: Double?
        var end: Double?
        var text: String
        var probability: Double?
    }

    /// As the server names it.
    var language: String?
    var text: String?
    var pieces: [Piece] = []
    /// Word times that the server gave beside the pieces, not inside them.
    var words: [Word] = []
}

extension RawTranscript {
    /// Whether an answer holds a transcript, be it of nothing: a text, or a list of segments or words.
    static func isTranscript(_ value: JSONValue) -> Bool {
        value["text"]?.string != nil
            || ["segments", "words"].contains { key in
                value[key]?.array.map { $0.isEmpty || $0.contains(where: \.isObject) } ?? false
            }
    }

    /// Whether something is said in it.
    static func holdsText(_ value: JSONValue) -> Bool {
        let own = [value["text"], value["word"]].contains { $0?.string.map { !$0.trimmed.isEmpty } ?? false }
        return own || ["segments", "words"].contains { value[$0]?.array?.contains(where: holdsText) ?? false }
    }

    /// Reads an answer in the shape of OpenAI's `json` or `verbose_json` and all known variants of it.
    init(json value: JSONValue) {
        language = value["language"]?.string ?? value["languages"]?.array?.first?["code"]?.string
        text = value["text"]?.string
        pieces = (value["segments"]?.array ?? []).compactMap(Piece.init(json:))
        words = (value["words"]?.array ?? []).compactMap(Word.init(json:))
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
    init?(json value: JSONValue) {
        guard value.isObject else { return nil }
        words = (value["words"]?.array ?? []).compactMap(RawTranscript.Word.init(json:))
        text = value["text"]?.string ?? words.map(\.text).joinedAsText()
        start = value["start"]?.time
        end = value["end"]?.time
        averageLogProbability = value["avg_logprob"]?.finiteNumber
        noSpeechProbability = value["no_speech_prob"]?.finiteNumber
        compressionRatio = value["compression_ratio"]?.finiteNumber
    }
}

extension JSONValue {
    /// Of a start or an end; a little below 0 is inaccuracy, more is no time.
    fileprivate var time: Double? { finiteNumber.flatMap { $0 < -0.1 ? nil : $0 } }
}

extension RawTranscript.Word {
    init?(json value: JSONValue) {
        // LocalAI names the word "text".
        guard let text = value["word"]?.string ?? value["text"]?.string, !text.trimmed.isEmpty else { return nil }
        self.text = text
        start = value["start"]?.time
        end = value["end"]?.time
        probability = (value["probability"] ?? value["confidence"] ?? value["score"])?.finiteNumber
            .flatMap { (0...1).contains($0) ? $0 : nil }
    }
}
