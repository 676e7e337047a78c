import Glibc
import Transcription

/// From a server's pieces and words to segments.
enum SegmentBuilder {
    /// Words without segments around them are grouped: a new segment after a pause of this many seconds …
    private static let pauseSeconds = 0.7
    /// … or when it would get longer than this.
    private static let maximumSeconds = 10.0

    /// The server's segments with the words that belong to them; made of the words where there are no segments.
    static func pieces(of heard: RawTranscript) -> [RawTranscript.Piece] {
        var pieces = heard.pieces
        let hasText = pieces.contains { !$0.text.trimmed.isEmpty }
        guard hasText else {
            if !heard.words.isEmpty { return grouped(heard.words, text: heard.text ?? "") }
            return []
        }
        guard !heard.words.isEmpty, pieces.allSatisfy(\.words.isEmpty) else { return pieces }
        var at = 0
        for word in heard.words {
            let middle = ((word.start ?? word.end ?? 0) + (word.end ?? word.start ?? 0)) / 2
            if word.start != nil || word.end != nil {
                while at + 1 < pieces.count, let next = pieces[at + 1].start, next <= middle { at += 1 }
            }
            pieces[at].words.append(word)
        }
        return pieces
    }

    /// Segments out of words. Where the text has as many words, its spelling is taken: word lists lack punctuation.
    private static func grouped(_ words: [RawTranscript.Word], text: String) -> [RawTranscript.Piece] {
        var words = words
        let spelled = text.split(whereSeparator: \.isWhitespace)
        if spelled.count == words.count {
            for at in words.indices { words[at].text = " " + spelled[at] }
        }
        var pieces: [RawTranscript.Piece] = []
        // The one that grows stays outside of the list: in it each word would copy all before.
        var open = RawTranscript.Piece(text: "")
        func finish() {
            guard !open.words.isEmpty else { return }
            open.text = open.words.text
            pieces.append(open)
        }
        for word in words {
            if let last = open.words.last, !last.text.endsSentence,
                (word.start ?? 0) - (last.end ?? last.start ?? 0) < pauseSeconds,
                (word.end ?? word.start ?? 0) - (open.start ?? 0) < maximumSeconds
            {
                open.end = word.end ?? open.end
            } else {
                finish()
                open = RawTranscript.Piece(start: word.start, end: word.end, text: "")
            }
            open.words.append(word)
        }
        finish()
        return pieces
    }

    /// Joins a piece to the one before where the border runs through a word: older whisper.cpp wraps lines between tokens.
    /// Told by its custom of beginning every piece with a space, so only where most pieces do.
    static func joinSplitWords(_ pieces: inout [RawTranscript.Piece]) {
        let spaced = pieces.count { $0.text.first?.isWhitespace == true }
        guard spaced * 2 > pieces.count else { return }
        var out: [RawTranscript.Piece] = []
        for piece in pieces {
            guard let first = piece.text.first, let last = out.last?.text.last, out.last?.speaker == piece.speaker,
                first.isLetter || first.isNumber, last.isLetter || last.isNumber, !first.isUnspaced
            else {
                out.append(piece)
                continue
            }
            out[out.count - 1].text += piece.text
            out[out.count - 1].end = piece.end ?? out[out.count - 1].end
            out[out.count - 1].words += piece.words
        }
        pieces = out
    }

    /// Nil when the piece says nothing.
    static func segment(
        _ piece: RawTranscript.Piece, range: SampleRange, repair: TimeRepair, speech: [SampleRange]
    ) -> Segment? {
        var segment = Segment(
            range: range, text: cleaned(piece.text), averageLogProbability: piece.averageLogProbability,
            noSpeechProbability: piece.noSpeechProbability, compressionRatio: piece.compressionRatio,
            speaker: piece.speaker)
        guard isWorthKeeping(segment) else { return nil }
        segment.words = words(piece.words, within: range, repair: repair)
        let known = segment.words.compactMap(\.confidence)
        segment.confidence =
            known.isEmpty
            ? piece.averageLogProbability.map { exp(min(0, $0)) } : known.reduce(0, +) / Double(known.count)
        return segment
    }

    /// Word times are kept where all words together make sense; a missing one lies between its neighbours.
    private static func words(_ words: [RawTranscript.Word], within range: SampleRange, repair: TimeRepair) -> [Word] {
        guard words.contains(where: { $0.start != nil }) else { return [] }
        var out: [Word] = []
        var latest = range.start
        let following = TimeRepair.nextKnown(words.map(\.start))
        for (word, next) in zip(words, following) {
            let start = word.start.map(SampleClock.samples(seconds:)) ?? out.last?.range.end ?? latest
            let end = (word.end ?? next).map(SampleClock.samples(seconds:)) ?? range.end
            let placed = repair.inside(max(start, latest), max(end, start))
            latest = max(latest, placed.start)
            let text = cleaned(word.text)
            guard !text.isEmpty else { continue }
            out.append(Word(range: placed, text: text, confidence: word.probability, speaker: word.speaker))
        }
        return out
    }

    /// Without `<|…|>` tokens, controls, line breaks and white space at the ends.
    static func cleaned(_ text: String) -> String {
        let text = text.withoutControls
        var rest = text[...]
        var out = ""
        while let open = rest.firstRange(of: "<|"), let close = rest[open.upperBound...].firstRange(of: "|>") {
            out += rest[..<open.lowerBound]
            rest = rest[close.upperBound...]
        }
        out += rest
        return out.split(whereSeparator: \.isNewline).map(\.trimmed).joinedAsText().trimmed
    }

    /// False for punctuation alone.
    static func isWorthKeeping(_ segment: Segment) -> Bool {
        segment.text.contains { $0.isLetter || $0.isNumber || $0.isSymbol }
    }
}
