/// Takes back what speech engines invent: text over silence, and loops. Only where the audio or the structure of the text
/// prove it; a phrase is never removed for its words alone, and a repetition never for being one.
enum HallucinationFilter {
    // MARK: Text over silence

    /// Speech under a segment up to which it counts as none: 0.15 s.
    private static let tolerance = SampleClock.rate * 15 / 100
    /// Engines place words up to this far off: 1 s.
    private static let inaccuracy = SampleClock.rate
    /// What engines of the Whisper family say to silence and noise most, as `WrittenText.comparable` has it; from the
    /// subtitles that they were trained on (arXiv 2501.11378 and servers' issue lists).
    private static let phantoms: Set<String> = [
        "you", "bye", "byebye", "okay", "thankyou", "thankyousomuch", "thankyouverymuch", "thankyouforwatching",
        "thanksforwatching", "thanksforlistening", "thankyouforlistening", "pleasesubscribe", "seeyounexttime",
        "seeyouinthenextvideo", "subtitlesbytheamaraorgcommunity", "untertitelderamaraorgcommunity",
        "untertitelimauftragdeszdffürfunk2017", "untertitelungdeszdf2020", "vielendank",
        "vielendankfürszuschauen", "soustitresréalisésparalacommunautédamaraorg",
        "soustitresréalisésparlacommunautédamaraorg", "mercidavoirregardé",
        "subtítulosrealizadosporlacomunidaddeamaraorg",
        "graciasporver", "sottotitolicreatidallacomunitàamaraorg", "продолжениеследует", "спасибозапросмотр",
        "субтитрысоздавалdimatorzok", "субтитрысделалdimatorzok", "подписывайтесьнаканал", "ご視聴ありがとうございました",
        "字幕由amaraorg社区提供", "請不吝點贊訂閱轉發打賞支持明鏡與點點欄目", "시청해주셔서감사합니다", "구독과좋아요부탁드립니다",
    ]

    /// Without segments that are no speech: that the engine itself doubts twice over (its `no_speech_prob` and its
    /// `avg_logprob`) or that are what engines are known to invent, where the audio speaks against them, too.
    /// - Parameters:
    ///   - speech: `Chunk.speech`.
    ///   - isSteady: what is heard in a range is a tone, music or noise.
    static func withoutInventions(
        _ transcript: ChunkTranscript, speech: [SampleRange], isSteady: (SampleRange) -> Bool
    ) -> (transcript: ChunkTranscript, suppressed: [SuppressedText]) {
        guard !transcript.timesAreEstimated else { return (transcript, []) }
        var kept = transcript
        var suppressed: [SuppressedText] = []
        let claims = Coverage(transcript.segments.map(\.range))
        kept.segments = transcript.segments.filter { segment in
            let isDoubted = isDoubted(segment)
            guard isDoubted || phantoms.contains(WrittenText.comparable(segment.text)) else { return true }
            let isInvented =
                !isHeard(segment.range, claims: claims, speech: speech)
                || isDoubted && (isThin(segment, speech: speech) || isSteady(segment.range))
            if isInvented {
                suppressed.append(SuppressedText(range: segment.range, text: segment.text, reason: .invention))
            }
            return !isInvented
        }
        if !suppressed.isEmpty {
            kept.warnings.append("The engine gave text where nothing is to be heard; it was left out.")
        }
        return (kept, suppressed)
    }

    /// By both of its scores: each by itself is wrong too often.
    private static func isDoubted(_ segment: Segment) -> Bool {
        guard let silence = segment.noSpeechProbability, let logarithm = segment.averageLogProbability else {
            return false
        }
        return silence > 0.6 && logarithm < -1
    }

    /// A word or two over seconds of sound.
    private static func isThin(_ segment: Segment, speech: [SampleRange]) -> Bool {
        let under = speech.overlapping(segment.range).reduce(0) { $0 + $1.overlap(with: segment.range) }
        return under >= 2 * SampleClock.rate
            && SpeakingRate.words(in: segment.text) < thinSpeech * SampleClock.seconds(under)
    }

    /// Words a second.
    private static let thinSpeech = 0.6

    /// Speech lies under it, or so near that it may be meant and no other segment claims it.
    /// - Parameter claims: of all segments.
    private static func isHeard(_ own: SampleRange, claims: Coverage, speech: [SampleRange]) -> Bool {
        guard !own.isEmpty else { return true }
        var under: Int64 = 0
        for range in speech.overlapping(own) {
            under += range.overlap(with: own)
            if under >= tolerance { return true }
        }
        let near = SampleRange(own.start - inaccuracy, own.end + inaccuracy)
        var unclaimed: Int64 = 0
        for range in speech.overlapping(near).map({ $0.clamped(to: near) }) {
            let claimed = claims.samples(in: range) - own.overlap(with: range)
            unclaimed += max(0, range.count - claimed)
        }
        return unclaimed >= tolerance
    }

    // MARK: Loops

    /// The longest phrase that is looked for, in words.
    private static let maximumPhrase = 8
    /// So often in a row, and so many characters together, is a loop: what a deflate ratio of 2.4 means for one phrase.
    private static let minimumRepetitions = 5
    private static let minimumLoop = 60

    static func isLooping(_ transcript: ChunkTranscript) -> Bool { !loops(in: words(of: transcript.segments)).isEmpty }

    /// With one repetition of each loop.
    static func collapsingLoops(in transcript: ChunkTranscript) -> ChunkTranscript {
        let words = words(of: transcript.segments)
        let loops = loops(in: words)
        guard !loops.isEmpty else { return transcript }
        var keep = [Bool](repeating: true, count: words.count)
        for place in loops.lazy.map({ $0.rest }).joined() { keep[place] = false }
        var next = 0
        var out = transcript
        out.segments = transcript.segments.enumerated().compactMap { at, segment in
            let first = next
            while next < words.count, words[next].segment == at { next += 1 }
            return keeping(Array(keep[first..<next]), of: segment)
        }
        out.warnings.append("The engine repeated the same words many times; they stand here once.")
        return out
    }

    /// How many words there are without the loops, their first repetition as well left out.
    static func wordsBesideLoops(in transcript: ChunkTranscript) -> Double {
        let words = words(of: transcript.segments)
        let repeated = loops(in: words).lazy.map({ $0.whole }).joined().reduce(0) {
            $0 + SpeakingRate.words(in: words[$1].text)
        }
        return words.reduce(0) { $0 + SpeakingRate.words(in: $1.text) } - repeated
    }

    private static func words(of segments: [Segment]) -> [(segment: Int, text: String)] {
        segments.enumerated().flatMap { at, segment in
            segment.text.split(separator: " ").map { (at, WrittenText.comparable($0)) }
        }
    }

    /// `rest`: the words to leave out, all but the first phrase.
    private static func loops(
        in words: [(segment: Int, text: String)]
    ) -> [(whole: Range<Int>, rest: Range<Int>)] {
        var found: [(whole: Range<Int>, rest: Range<Int>)] = []
        var start = 0
        while start < words.count {
            var next = start + 1
            for phrase in 1...maximumPhrase {
                guard let rest = rest(of: words, from: start, phrase: phrase) else { continue }
                found.append((start..<rest.upperBound, rest))
                next = rest.upperBound
                break
            }
            start = next
        }
        return found
    }

    /// What follows the first phrase of a loop that begins at `start`.
    private static func rest(
        of words: [(segment: Int, text: String)], from start: Int, phrase: Int
    ) -> Range<Int>? {
        var end = start + phrase
        while end < words.count, words[end].text == words[end - phrase].text { end += 1 }
        guard end - start >= phrase * minimumRepetitions else { return nil }
        let length = words[start..<end].reduce(0) { $0 + $1.text.count + 1 }
        return length >= minimumLoop ? start + phrase..<end : nil
    }

    /// The segment with those of its words only; word times stay where they match the text.
    private static func keeping(_ keep: [Bool], of segment: Segment) -> Segment? {
        guard keep.contains(false) else { return segment }
        guard keep.contains(true) else { return nil }
        var kept = segment
        kept.text = zip(segment.text.split(separator: " "), keep).filter(\.1).map(\.0).joined(separator: " ")
        kept.words = segment.words.count == keep.count ? zip(segment.words, keep).filter(\.1).map(\.0) : []
        if let first = kept.words.first, let last = kept.words.last {
            kept.range = SampleRange(first.range.start, max(first.range.start, last.range.end))
        }
        return kept
    }
}
