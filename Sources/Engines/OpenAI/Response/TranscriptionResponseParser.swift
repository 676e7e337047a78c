package import Transcription

/// Turns the body of a successful answer into segments with sample offsets, whichever server wrote it.
///
/// The body is looked at, not its Content-Type, which servers get wrong.
package struct TranscriptionResponseParser: Sendable {
    /// Fast speech has 80 bytes a second in the longest encodings, four times that in `text`, `segments` and both lists of
    /// words together.
    private static let textBytesPerSecond = 1000
    private static let textByteAllowance = 64 << 10
    /// Segments and words: fast speech has 10 words a second, 30 where each character or token counts as one, twice that
    /// in both lists.
    private static let wordsPerSecond = 100
    private static let wordAllowance = 4096
    /// Subtitles have this many bytes for one of text.
    private static let subtitleFactor = 4
    /// So many letters are missing in the segments before it is told: three or four words, and what numbers written out
    /// may make of a long text.
    private static let toleratedLetters = 12
    private static let toleratedShare = 20

    /// The samples that were sent: the truth about the length, whatever `duration` says.
    private let sampleCount: Int64
    private let speech: [SampleRange]
    private let audio: ChunkAudio?
    /// Plain text is an answer only where it was asked for; otherwise it is some proxy's page.
    private let acceptsPlainText: Bool
    private let doubtOfEnd: String?

    /// - Parameters:
    ///   - speech: where something is to be heard, from the chunk's start.
    ///   - audio: what was sent, in which a quiet voice may be beside `speech`; nil: nothing is.
    ///   - acceptsPlainText: the request asked for plain text, or no format was agreed on.
    ///   - doubtOfEnd: why what is parsed may be the beginning of something longer, as `HTTPResponse.doubtOfEnd`. Only what
    ///     has an end of its own is taken then.
    package init(
        sampleCount: Int64, speech: [SampleRange], audio: ChunkAudio? = nil, acceptsPlainText: Bool,
        doubtOfEnd: String? = nil
    ) {
        self.sampleCount = sampleCount
        self.speech = speech
        self.audio = audio
        self.acceptsPlainText = acceptsPlainText
        self.doubtOfEnd = doubtOfEnd
    }

    /// - Throws: `ResponseFault`.
    package func parse(_ body: [UInt8]) throws -> ChunkTranscript {
        do {
            let heard = try heard(body)
            try check(heard)
            return transcript(of: heard)
        } catch let message as ServerMessage {
            throw ResponseFault.message(message)
        } catch let fault as JSONFault {
            throw ResponseFault.notUnderstood(fault.reason)
        }
    }

    // MARK: Bounds

    private var maximumText: Int {
        Self.textByteAllowance + Int(sampleCount / SampleClock.rate) * Self.textBytesPerSecond
    }

    private var maximumWords: Int { Self.wordAllowance + Int(sampleCount / SampleClock.rate) * Self.wordsPerSecond }

    /// What is done with an answer afterwards takes time for each piece and each byte.
    private func check(_ heard: RawTranscript) throws {
        var words = heard.words.count
        var bytes = heard.words.reduce(heard.text?.utf8.count ?? 0) { $0 + $1.text.utf8.count }
        for piece in heard.pieces {
            words += 1 + piece.words.count
            bytes += piece.words.reduce(piece.text.utf8.count) { $0 + $1.text.utf8.count }
        }
        guard words <= maximumWords else {
            throw JSONFault(reason: "holds more words than anybody could say in that time")
        }
        try check(textBytes: bytes, limit: maximumText)
    }

    private func check(textBytes: Int, limit: Int) throws {
        guard textBytes <= limit else {
            throw JSONFault(reason: "holds more text than anybody could say in that time")
        }
    }

    // MARK: Shapes

    private func heard(_ body: [UInt8]) throws -> RawTranscript {
        let bytes = body.starts(with: [0xEF, 0xBB, 0xBF]) ? body.dropFirst(3) : body[...]
        let content = bytes.drop { $0 == 0x20 || (0x09...0x0D).contains($0) }
        guard let first = content.first else {
            guard acceptsPlainText else { throw JSONFault(reason: "is empty") }
            try checkEnd()
            return RawTranscript(text: "")
        }
        switch first {
        case UInt8(ascii: "{"):
            return try heard(object: JSONReader.read(content))
        case UInt8(ascii: "\""):
            return RawTranscript(text: try JSONReader.read(content).string)
        case UInt8(ascii: "["):
            return try heard(list: JSONReader.read(content))
        case UInt8(ascii: "<"):
            throw JSONFault(reason: "is a web page, not a transcript (a login page or a proxy's?)")
        default:
            return try heard(text: content)
        }
    }

    private func heard(object value: JSONValue) throws -> RawTranscript {
        if let message = ServerMessage(errorIn: value) { throw message }
        guard RawTranscript.isTranscript(value) else { throw JSONFault(reason: "is JSON without a transcript in it") }
        return RawTranscript(json: value)
    }

    /// A bare list of segments, or one transcript in a list.
    private func heard(list value: JSONValue) throws -> RawTranscript {
        let items = value.array ?? []
        if items.count == 1, RawTranscript.hasListOfSegments(items[0]) || RawTimestamps(json: items[0]).isEmpty {
            return try heard(object: items[0])
        }
        guard !items.isEmpty, items.allSatisfy({ $0["text"]?.string != nil }) else {
            throw JSONFault(reason: "is a JSON list without a transcript in it")
        }
        return RawTranscript(json: .object([("segments", value)]))
    }

    /// - Throws: `JSONFault` where the end is in doubt.
    private func checkEnd() throws {
        if let doubtOfEnd { throw JSONFault(reason: doubtOfEnd) }
    }

    private func heard(text bytes: ArraySlice<UInt8>) throws -> RawTranscript {
        if bytes.starts(with: "data:".utf8) || bytes.starts(with: "event:".utf8) {
            let stream = try EventStreamReader.read(bytes, maximumEvents: maximumWords)
            if !stream.hasEnded { try checkEnd() }
            return stream.heard
        }
        // Text and subtitles that are cut are text and subtitles.
        try checkEnd()
        try check(textBytes: bytes.count, limit: maximumText * Self.subtitleFactor)
        let text = String(decoding: bytes, as: UTF8.self)
        if text.hasPrefix("WEBVTT") || SubtitleReader.looksLikeSubRip(text[...]) {
            return RawTranscript(pieces: SubtitleReader.pieces(text))
        }
        guard acceptsPlainText else { throw JSONFault(reason: "is plain text where JSON was asked for") }
        return RawTranscript(text: text)
    }

    // MARK: Times

    private func transcript(of heard: RawTranscript) -> ChunkTranscript {
        var heard = heard
        var repair = TimeRepair(sampleCount: sampleCount)
        let language = heard.language.flatMap(LanguageName.code(for:))
        let lastEnd = speech.last.map { min($0.end, sampleCount) } ?? sampleCount
        guard repair.makeSeconds(of: &heard, lastEnd: lastEnd) else {
            return estimated(
                heard, language: language, warnings: ["The engine gave times that make no sense; they are estimated."])
        }
        heard.words = WordAssembly.words(of: heard.words, in: heard.text ?? heard.pieces.map(\.text).joinedAsText())
        var pieces = SegmentBuilder.pieces(of: heard)
        pieces = TimeRepair.order(of: pieces.map(\.start)).map { pieces[$0] }
        SegmentBuilder.joinSplitWords(&pieces)
        for at in pieces.indices { pieces[at].words = WordAssembly.words(of: pieces[at].words, in: pieces[at].text) }
        var placement = WordPlacement(
            speech: speech, sampleCount: sampleCount, audible: audio.map { audio in { AudibleSound.ranges(of: audio) } }
        )
        placement.place(&pieces)
        guard let ranges = repair.ranges(of: pieces.map { ($0.start, $0.end) }, lastEnd: lastEnd) else {
            return estimated(
                heard, language: language, warnings: ["The engine gave text without times; they are estimated."])
        }
        let segments = zip(pieces, ranges).compactMap { piece, range in
            SegmentBuilder.segment(piece, range: range, repair: repair, speech: speech)
        }
        var warnings = repair.warnings
        if isCut(heard.text, to: pieces) {
            warnings.append("The engine gave more text than its segments hold; what they lack is missing.")
        }
        return ChunkTranscript(language: language, segments: segments, warnings: warnings)
    }

    /// Clearly more is said in `text` than in `pieces`, from which the transcript is made.
    private func isCut(_ text: String?, to pieces: [RawTranscript.Piece]) -> Bool {
        func letters(_ text: String) -> Int {
            SegmentBuilder.cleaned(text).unicodeScalars.count {
                $0.properties.isAlphabetic || $0.properties.numericType != nil
            }
        }
        guard let text else { return false }
        let all = letters(text)
        return all - pieces.reduce(0) { $0 + letters($1.text) } > max(Self.toleratedLetters, all / Self.toleratedShare)
    }

    private func estimated(_ heard: RawTranscript, language: String?, warnings: [String]) -> ChunkTranscript {
        var text = heard.text ?? ""
        if text.trimmed.isEmpty { text = heard.pieces.map(\.text).joinedAsText() }
        if text.trimmed.isEmpty { text = heard.words.text }
        let segments = EstimatedTimes(speech: speech, sampleCount: sampleCount)
            .segments(of: SegmentBuilder.cleaned(text))
            .filter { SegmentBuilder.isWorthKeeping($0) }
        return ChunkTranscript(
            language: language, segments: segments, timesAreEstimated: !segments.isEmpty,
            warnings: segments.isEmpty ? [] : warnings)
    }
}

/// Why a successful answer holds no transcript.
package enum ResponseFault: Error, Sendable, Hashable {
    /// Part of a sentence: "the answer …".
    case notUnderstood(String)
    /// The body is an error in spite of its status.
    case message(ServerMessage)
}
