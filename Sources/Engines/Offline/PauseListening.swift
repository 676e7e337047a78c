import Transcription

/// Tells which words of a text come behind a pause, where their lengths leave that open: what is said behind the pause is
/// decoded by itself, and looked for in the text.
///
/// Without it, one sentence in 70 that follows a pause is given a place before the pause.
struct PauseListening {
    /// A shorter pause matters little: 0.4 s.
    private static let minimumPause = 0.4
    /// A break is in doubt when another costs no more than this beyond it.
    private static let doubt = 0.5
    /// Breaks that cost more beyond the best are not considered.
    private static let widest = 2.5
    /// Of what is decoded together, in seconds: a stretch, with as many behind it as that takes.
    private static let minimumLength = 1.0
    /// In seconds; stretches that would make it longer are decoded by themselves.
    private static let maximumLength = 6.0
    /// Stretches with less between them are decoded together, in seconds.
    private static let joined = 0.25
    /// Before the first and behind the last sound, in samples: 0.1 s.
    private static let margin = SampleClock.rate / 10
    /// So many words of those heard may be others in the text.
    private static let differing = 0.5
    /// Each costs a few seconds of decoding.
    private static let maximumLooks = 4

    /// In order.
    let speech: [SampleRange]
    /// What the model hears in a stretch of the audio, with silence behind it; nil where that is no answer.
    let hear: (SampleRange) -> String?

    /// The part in as many as it takes for each to begin with the words that are said there.
    func divided(_ part: PieceHearing.Part) -> [PieceHearing.Part] {
        guard part.tokens.isEmpty, !part.text.contains(where: \.isUnspaced) else { return [part] }
        var rest = Rest(part: part)
        var parts: [PieceHearing.Part] = []
        while let cut = next(&rest) {
            parts.append(cut)
        }
        return parts.isEmpty ? [part] : parts + [rest.part]
    }

    /// What is not divided yet.
    private struct Rest {
        var part: PieceHearing.Part
        var looks = PauseListening.maximumLooks
    }

    /// Cuts off what comes before the first pause that is in doubt and can be told.
    private func next(_ rest: inout Rest) -> PieceHearing.Part? {
        let whole = rest.part.range
        let texts = rest.part.text.split(whereSeparator: \.isWhitespace).map(String.init)
        guard texts.count > 1 else { return nil }
        let division = WordDivision(texts, in: speech, within: whole)
        for (at, costs) in division.costsOfBreaks.enumerated() where division.pause(behind: at) >= Self.minimumPause {
            let best = costs.min() ?? .infinity
            guard costs.count(where: { $0 < best + Self.doubt }) > 1 else { continue }
            guard rest.looks > 0 else { return nil }
            rest.looks -= 1
            let candidates = costs.indices.filter { costs[$0] < best + Self.widest && $0 > 0 && $0 < texts.count }
            guard let heard = hear(stretch(behind: at, division).clamped(to: whole)),
                let first = Self.place(
                    of: HeardAgain.comparable(heard), in: HeardAgain.comparable(texts), candidates)
            else { continue }
            let cut = (division.stretches[at].range.end + division.stretches[at + 1].range.start) / 2
            rest.part = PieceHearing.Part(
                range: SampleRange(cut, whole.end), text: texts[first...].joined(separator: " "))
            return PieceHearing.Part(
                range: SampleRange(whole.start, cut), text: texts[..<first].joined(separator: " "))
        }
        return nil
    }

    private func stretch(behind at: Int, _ division: WordDivision) -> SampleRange {
        let stretches = division.stretches
        let first = at + 1
        var last = first
        func length(to end: Int) -> Double { stretches[end].end - stretches[first].start }
        while last + 1 < stretches.count, length(to: last + 1) < Self.maximumLength,
            length(to: last) < Self.minimumLength || division.pause(behind: last) < Self.joined
        {
            last += 1
        }
        return SampleRange(stretches[first].range.start - Self.margin, stretches[last].range.end + Self.margin)
    }

    // MARK: Finding it in the text

    /// The one of the candidates at which the text goes on most like what was heard; nil where two are equal or none is
    /// like it.
    static func place(of heard: [String], in text: [String], _ candidates: [Int]) -> Int? {
        guard !heard.isEmpty else { return nil }
        let distances = candidates.map { HeardAgain.distance(heard, text[$0...].prefix(heard.count + 2)) }
        guard let least = distances.min(), Double(least) <= differing * Double(heard.count),
            distances.count(where: { $0 == least }) == 1, let at = distances.firstIndex(of: least)
        else { return nil }
        return candidates[at]
    }
}
