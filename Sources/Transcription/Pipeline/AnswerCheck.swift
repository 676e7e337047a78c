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

    /// - Parameter again: asks for the chunk once more, cut there (in samples from its start); nil where that failed.
    /// - Throws: `CancellationError`; what `again` throws.
    func check(
        _ answer: ChunkTranscript, again: (_ cut: Int64) async throws -> ChunkTranscript?
    ) async throws -> Checked {
        let usual = SpeakingRate.usual(of: answer.language ?? language)
        var yardstick = AnswerReview.Yardstick(rate: usual)
        var first = await review(answer, yardstick)
        guard isDoubtful(first) else { return settled(first, isBelieved: true) }
        yardstick.voices = try await voices(for: first)
        let history = try await order.turn(of: chunk.index)
        // Who was found to speak slowly goes on doing so.
        yardstick.rate = min(usual, history.rate ?? usual)
        first = await review(answer, yardstick)
        guard isDoubtful(first) else { return settled(first, isBelieved: true) }
        let hasVoices = yardstick.voices != nil
        guard history.allowsLook, chunk.range.count >= Self.minimumLength else {
            return await told(first, isAnswered: false, hasVoices: hasVoices)
        }
        let cut = try await place(toCutFor: first)
        guard let other = try await again(cut) else {
            var checked = await told(first, isAnswered: false, hasVoices: hasVoices)
            checked.settlement.isLooked = true
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

    /// - Returns: nil where nobody can tell: a detector that hears no voice under the text either is no judge of this sound.
    private func voices(for review: AnswerReview) async throws -> [SampleRange]? {
        guard !review.holes.isEmpty || review.isSilent, let voices = try await detector?.speech(in: chunk.audio) else {
            return nil
        }
        func voiced(_ range: SampleRange) -> Int64 {
            voices.overlapping(range).reduce(0) { $0 + $1.overlap(with: range) }
        }
        let holes = review.holes.map(\.hole)
        let elsewhere = heard - holes.reduce(0) { $0 + $1.heard }
        let under = chunk.speech.reduce(0) { $0 + voiced($1) } - holes.reduce(0) { $0 + voiced($1.range) }
        return elsewhere >= CoverageRule.minimumHole && under * 4 < elsewhere ? nil : voices
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

    /// More of what is heard has plausible text, not simply more text.
    private func isBetter(_ second: AnswerReview, than first: AnswerReview) -> Bool {
        if first.isLooping { return true }
        let most = Self.fastest * SpeakingRate.usual(of: second.answer.language ?? language)
        guard !second.isLooping, second.words <= most * (SampleClock.seconds(heard) + 1) else { return false }
        if first.isSilent { return !second.isSilent }
        // Without times of its own the text of two parts is placed better than that of the whole.
        if second.answer.timesAreEstimated, second.words >= first.words * 0.9 { return true }
        return second.missed + SampleClock.rate <= first.missed
    }

    // MARK: What comes of it

    private func settled(_ review: AnswerReview, isBelieved: Bool) -> Checked {
        var checked = Checked(transcript: review.transcript, suppressed: review.suppressed)
        if isBelieved, review.isPlain {
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
        var checked = await told(final, isAnswered: true, hasVoices: yardstick.voices != nil)
        checked.settlement = settled(final, isBelieved: agree).settlement
        checked.settlement.isLooked = true
        return checked
    }

    /// - Parameter isAnswered: the engine was asked again, and answered.
    private func told(_ review: AnswerReview, isAnswered: Bool, hasVoices: Bool) async -> Checked {
        var checked = settled(review, isBelieved: false)
        if review.isLooping {
            let looping = checked.transcript
            checked.transcript = await BlockingPool.files.run { HallucinationFilter.collapsingLoops(in: looping) }
        }
        if review.isSilent, !hasVoices {
            // It may be music, but nobody shall think it was looked at by a person.
            checked.transcript.warnings.append("The engine gave no text though something is to be heard.")
            return checked
        }
        // Two answers agree on music that is not told from speech by its sound.
        for (hole, verdict) in review.holes where verdict == .speech || !isAnswered {
            let isPlaced =
                verdict == .speech && !review.transcript.segments.contains { hole.range.contains($0.range.start) }
            checked.missed.append(
                MissedSpeech(
                    range: hole.range, heard: hole.heard,
                    reason: "The engine gave no text for what is heard here, "
                        + (isAnswered ? "also when it was asked again." : "and was not asked again."),
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
