import SystemSupport

/// Holds an engine's answer against what is heard, has the chunk asked for once more where they do not fit, takes the better
/// answer, and says what stays without text.
///
/// One look at each chunk at most, and only as many as `SecondLookOrder` allows. The outcome depends on the answers alone.
struct AnswerCheck: Sendable {
    /// What the text of a chunk is.
    struct Checked: Sendable {
        var transcript: ChunkTranscript
        var suppressed: [SuppressedText]
        var missed: [MissedSpeech] = []
        var settlement = SecondLookOrder.Settlement()
        /// False where a doubt stayed because somebody could not be asked just now: another time there may be more text.
        var isSettled = true
    }

    /// What came of asking for the chunk once more.
    enum SecondAnswer: Sendable {
        case transcript(ChunkTranscript)
        /// With a sentence for people.
        case failed(String)
    }

    let chunk: Chunk
    /// That was asked for.
    let language: String?
    let detector: (any SpeechDetector)?
    let order: SecondLookOrder
    /// An engine that gives the same again is not asked again whether there is nothing.
    let repeatsItself: Bool

    /// Half of it is still long enough to be understood.
    private static let minimumLength = 4 * SampleClock.rate
    /// No speech has more words a second, of the usual number.
    private static let fastest = 3.0
    /// An answer with less than this part of the other one's words has lost some, whatever its times cover.
    private static let sameLength = 0.9

    /// - Parameter again: asks for the chunk once more, cut there (in samples from its start).
    /// - Throws: `CancellationError`; what `again` throws.
    func check(
        _ answer: ChunkTranscript, again: (_ cut: Int64) async throws -> SecondAnswer
    ) async throws -> Checked {
        let usual = SpeakingRate.usual(of: answer.language ?? language)
        var yardstick = AnswerReview.Yardstick(rate: usual)
        var first = await review(answer, yardstick)
        guard isDoubtful(first) else { return settled(first, isBelieved: true) }
        let opinion = try await opinion(on: first)
        yardstick.voices = opinion.voices
        let history = try await order.turn(of: chunk.index)
        // Who was found to speak slowly goes on doing so.
        yardstick.rate = min(usual, history.rate ?? usual)
        first = await review(answer, yardstick)
        guard isDoubtful(first) else { return settled(first, isBelieved: true) }
        var checked = try await looked(first, yardstick, history, again: again)
        if opinion.isMissing { checked.isSettled = false }
        return checked
    }

    /// Asks once more, where that is allowed, and takes the better answer.
    private func looked(
        _ first: AnswerReview, _ yardstick: AnswerReview.Yardstick, _ history: SecondLookOrder.History,
        again: (_ cut: Int64) async throws -> SecondAnswer
    ) async throws -> Checked {
        let hasVoices = yardstick.voices != nil
        guard chunk.range.count >= Self.minimumLength else { return told(first, .tooShort, hasVoices: hasVoices) }
        guard history.allowsLook else { return told(first, .tooMany, hasVoices: hasVoices) }
        let cut = try await place(toCutFor: first)
        let other: ChunkTranscript
        switch try await again(cut) {
        case .transcript(let answer): other = answer
        case .failed(let message):
            var checked = told(first, .failed(message), hasVoices: hasVoices)
            checked.settlement.isLooked = true
            checked.isSettled = false
            return checked
        }
        var cutThere = yardstick
        cutThere.cut = cut
        let second = await review(other, cutThere)
        let takesSecond = isBetter(second, than: first)
        return await told(
            takesSecond ? second : first, takesSecond ? cutThere : yardstick,
            agree: abs(second.words - first.words) * 4 <= max(first.words, second.words))
    }

    private func review(_ answer: ChunkTranscript, _ yardstick: AnswerReview.Yardstick) async -> AnswerReview {
        // An engine's text may be long, and the audio packed.
        await BlockingPool.files.run { AnswerReview(answer, to: chunk, language: language, yardstick) }
    }

    /// Where somebody speaks, by the detector.
    /// - Returns: `voices` nil where nobody can tell: a detector that hears no voice under the text either is no judge of
    ///   this sound. `isMissing`: it has one, which could not tell this time.
    private func opinion(on review: AnswerReview) async throws -> (voices: [SampleRange]?, isMissing: Bool) {
        guard let detector, !review.holes.isEmpty || review.isSilent else { return (nil, false) }
        guard let voices = try await detector.speech(in: chunk.audio) else { return (nil, true) }
        func voiced(_ range: SampleRange) -> Int64 {
            voices.overlapping(range).reduce(0) { $0 + $1.overlap(with: range) }
        }
        let holes = review.holes.map(\.hole)
        let elsewhere = heard - holes.reduce(0) { $0 + $1.heard }
        let under = chunk.speech.reduce(0) { $0 + voiced($1) } - holes.reduce(0) { $0 + voiced($1.range) }
        return (elsewhere >= CoverageRule.minimumHole && under * 4 < elsewhere ? nil : voices, false)
    }

    private func isDoubtful(_ review: AnswerReview) -> Bool {
        review.isSilent ? !repeatsItself : review.isDoubtful
    }

    /// Before what is missing, so that the second part begins with it; otherwise in the middle.
    private func place(toCutFor review: AnswerReview) async throws -> Int64 {
        let length = chunk.range.count
        let edges = SampleRange(length / 5, length * 4 / 5)
        let hole = review.holes.max { $0.hole.heard < $1.hole.heard }?.hole
        let isPlaced = !review.answer.timesAreEstimated && !review.isSilent
        let near = min(max(isPlaced ? hole?.range.start ?? length / 2 : length / 2, edges.start), edges.end)
        let reach = max(SampleClock.rate, length / 10)
        let window = SampleRange(near - reach, near + reach).clamped(to: edges)
        return try await BlockingPool.files.run {
            let cut = PauseFinder.quietestCut(
                in: try chunk.audio.samples(), near: Int(near), window: Int(window.start)..<Int(window.end))
            return Int64(cut.position)
        }
    }

    /// More of what is heard has plausible text, and none of the first answer's is lost: not simply more text, nor text
    /// that is only said to reach farther.
    private func isBetter(_ second: AnswerReview, than first: AnswerReview) -> Bool {
        let most =
            Self.fastest * SpeakingRate.usual(of: second.answer.language ?? language) * (SampleClock.seconds(heard) + 1)
        guard second.words <= most, first.isLooping || !second.isLooping else { return false }
        guard !first.isSilent, !second.isSilent else { return !second.isSilent }
        // Of words that nobody can have said none is missed.
        guard second.words >= first.reliableWords * Self.sameLength || first.words > most else { return false }
        if first.isLooping { return true }
        // Without times of its own the text of two parts is placed better than that of the whole.
        if first.answer.timesAreEstimated, second.answer.timesAreEstimated { return true }
        return second.missed + SampleClock.rate <= first.missed
    }

    // MARK: What comes of it

    private func settled(_ review: AnswerReview, isBelieved: Bool) -> Checked {
        var checked = Checked(transcript: review.transcript, suppressed: review.suppressed)
        if isBelieved, review.isPlain, !review.isLooping {
            checked.settlement.words = review.words
            checked.settlement.heard = heard
        }
        return checked
    }

    /// After a second look: what has no text in the better answer either, by the rate at which is spoken in it.
    /// - Parameter agree: both answers have about as many words: no more can be got.
    private func told(
        _ better: AnswerReview, _ yardstick: AnswerReview.Yardstick, agree: Bool
    ) async -> Checked {
        var slower = yardstick
        slower.enough = yardstick.rate * CoverageRule.sufficient
        if better.words > 0 { slower.rate = min(yardstick.rate, better.words / SampleClock.seconds(max(1, heard))) }
        let final = await review(better.answer, slower)
        var checked = told(final, .answered, hasVoices: yardstick.voices != nil)
        checked.settlement = settled(final, isBelieved: agree).settlement
        checked.settlement.isLooked = true
        return checked
    }

    /// Whether the engine was asked again, and what came of it.
    private enum Look {
        case answered
        case failed(String)
        case tooMany
        case tooShort

        /// The end of a sentence for people.
        var words: String {
            switch self {
            case .answered: "also when it was asked again."
            case .failed(let message): "and asking again failed: \(message)"
            case .tooMany: "and was not asked again: too many parts are in doubt."
            case .tooShort: "and was not asked again: the part is too short."
            }
        }

        var isAnswered: Bool {
            if case .answered = self { true } else { false }
        }
    }

    private func told(_ review: AnswerReview, _ look: Look, hasVoices: Bool) -> Checked {
        var checked = settled(review, isBelieved: false)
        if review.isSilent, !hasVoices {
            // It may be music, but nobody shall think it was looked at by a person.
            checked.transcript.warnings.append("The engine gave no text though something is to be heard.")
            return checked
        }
        // Two answers agree on music that is not told from speech by its sound.
        for (hole, verdict) in review.holes where verdict == .speech || !look.isAnswered {
            let isPlaced =
                verdict == .speech && !review.transcript.segments.contains { hole.range.contains($0.range.start) }
            checked.missed.append(
                MissedSpeech(
                    range: hole.range, heard: hole.heard,
                    reason: "The engine gave no text for what is heard here, \(look.words)",
                    hasPlace: isPlaced))
        }
        if checked.missed.contains(where: { !$0.hasPlace }) {
            checked.transcript.warnings.append(
                "The engine gave far less text than is to be heard; some of it may be missing.")
        }
        return checked
    }

    private var heard: Int64 { chunk.speech.reduce(0) { $0 + $1.count } }
}
