/// An engine's answer to a chunk, with what is no speech set apart, and held against what is heard.
struct AnswerReview: Sendable {
    /// As the engine gave it.
    let answer: ChunkTranscript
    /// Without what is no speech, and with each loop once.
    private(set) var transcript: ChunkTranscript
    private(set) var suppressed: [SuppressedText] = []
    /// What is heard without text, but for steady sound, which is no speech.
    private(set) var holes: [(hole: CoverageRule.Hole, verdict: SoundLikeness.Verdict)] = []
    /// Words of the text.
    private(set) var words = 0.0
    /// Those of them that are no loop's.
    private(set) var reliableWords = 0.0
    /// It has no text, and no word on music or the like, though so much is heard that it should.
    private(set) var isSilent = false
    private(set) var isLooping = false
    /// Its text is all that is heard: how fast is spoken in it can be told.
    private(set) var isPlain = false

    /// How the answer is held against the sound.
    struct Yardstick: Sendable {
        /// Words a second of speech that are expected, and that are enough whatever the times of segments say.
        var rate: Double
        var enough: Double?
        /// Where the audio was cut for the answer, if it was.
        var cut: Int64?
        /// Where somebody speaks, as a detector has it; nil: there is none.
        var voices: [SampleRange]?
    }

    /// Speech in it that makes no sense without text.
    var isDoubtful: Bool { isLooping || isSilent || !holes.isEmpty }
    var missed: Int64 { holes.reduce(0) { $0 + $1.hole.heard } }

    /// Looks through text and audio: on a thread of our own.
    /// - Parameter language: that was asked for.
    init(_ answer: ChunkTranscript, to chunk: Chunk, language: String?, _ yardstick: Yardstick) {
        self.answer = answer
        transcript = answer
        var sound: SoundLikeness?
        func verdict(_ range: SampleRange) -> SoundLikeness.Verdict {
            if sound == nil { sound = (try? chunk.audio.samples()).map { SoundLikeness($0) } }
            return sound?.verdict(on: range) ?? .unclear
        }
        let sounds = setRemarksApart(language: answer.language ?? language, length: chunk.range.count)
        let heard = HallucinationFilter.withoutInventions(transcript, speech: chunk.speech) { verdict($0) == .noSpeech }
        transcript = heard.transcript
        suppressed = (suppressed + heard.suppressed).sorted { $0.range.start < $1.range.start }
        isLooping = HallucinationFilter.isLooping(transcript)
        let beside = isLooping ? HallucinationFilter.wordsBesideLoops(in: transcript) : nil
        // What is heard while it loops has no text.
        if isLooping { transcript = HallucinationFilter.collapsingLoops(in: transcript) }
        words = transcript.segments.reduce(0) { $0 + SpeakingRate.words(in: $1.text) }
        reliableWords = beside ?? words

        var rule = CoverageRule(speech: chunk.speech, length: chunk.range.count, rate: yardstick.rate)
        if let enough = yardstick.enough { rule.enough = enough }
        let found = rule.holes(in: transcript, sounds: sounds, cut: yardstick.cut)
        for hole in found {
            if let voices = yardstick.voices {
                if let voiced = Self.voiced(voices, in: hole) { holes.append((voiced, .speech)) }
            } else {
                let verdict = verdict(hole.range)
                if verdict != .noSpeech { holes.append((hole, verdict)) }
            }
        }
        let isEmpty = sounds.isEmpty && transcript.segments.allSatisfy { !WrittenText.isVisible($0.text) }
        let isJudged = yardstick.voices != nil || !suppressed.isEmpty
        isSilent = isEmpty && rule.heard >= CoverageRule.minimumHole && (!isJudged || !holes.isEmpty)
        isPlain = words > 0 && sounds.isEmpty && found.isEmpty
    }

    /// - Returns: where the engine says that there is music or the like.
    private mutating func setRemarksApart(language: String?, length: Int64) -> [SampleRange] {
        var kept: [Segment] = []
        var sounds: [SampleRange] = []
        for segment in transcript.segments {
            let parted = SoundRemarks.removed(from: segment, language: language)
            if let segment = parted.segment { kept.append(segment) }
            suppressed += parted.remarks.map { SuppressedText(range: $0.range, text: $0.text, reason: .sound) }
            sounds += parted.remarks.filter { !$0.isOfSilence }.map(\.range)
        }
        transcript.segments = kept
        // Without times a remark beside text says only that there is a sound somewhere.
        guard transcript.timesAreEstimated else { return sounds }
        return kept.isEmpty && !sounds.isEmpty ? [SampleRange(0, length)] : []
    }

    /// What of a hole is speech; nil where it is too little to speak of.
    private static func voiced(_ voices: [SampleRange], in hole: CoverageRule.Hole) -> CoverageRule.Hole? {
        let pieces = voices.overlapping(hole.range).map { $0.clamped(to: hole.range) }
        guard let first = pieces.first, let last = pieces.last else { return nil }
        let heard = min(hole.heard, pieces.reduce(0) { $0 + $1.count })
        guard heard >= CoverageRule.minimumHole else { return nil }
        return CoverageRule.Hole(range: SampleRange(first.start, last.end), heard: heard)
    }
}
