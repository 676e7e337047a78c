import Glibc
package import Transcription

/// What a model said to a stretch of audio.
package struct DecodedText: Sendable, Hashable {
    package var text: String
    /// Of the model's vocabulary.
    package var tokenCount: Int
    /// With their starts in seconds; empty where the model tells no times.
    package var tokens: [(text: String, seconds: Double)] {
        get { zip(texts, starts).map { ($0, $1) } }
        set { (texts, starts) = (newValue.map(\.text), newValue.map(\.seconds)) }
    }
    package var language: String?
    private var texts: [String] = []
    private var starts: [Double] = []

    package init(text: String, tokenCount: Int, language: String? = nil) {
        self.text = text
        self.tokenCount = tokenCount
        self.language = language
    }
}

/// How a piece of audio becomes text: a detector says where somebody speaks, the model is asked, and asked again in another
/// way where its answer shows that it went astray.
package struct PieceRecognition {
    /// Where somebody speaks, in the samples given.
    private let detect: ([Float]) -> [SampleRange]
    /// Nil when the model gives nothing back.
    private let decode: ([Float]) -> DecodedText?
    /// The model can go on without end: what it says is held against the time.
    private let isGenerative: Bool
    /// So many bytes can still be had.
    private let hasMemory: (Int) -> Bool

    /// Less is no word: 0.1 s.
    private static let minimumSamples = Int(SampleClock.rate) / 10
    /// A model that is cut off in speech invents the rest; half a second of silence behind it prevents that.
    private static let padding = Int(SampleClock.rate) / 2
    /// Speech that ends nearer to the end of the piece than this was cut off: 0.15 s.
    private static let abrupt = SampleClock.rate * 15 / 100
    /// No speech has more tokens in a second; a second more for what the detector misses.
    private static let tokensPerSecond = 10.0
    /// So much speech is not passed over by a model that hears: 1 s.
    private static let minimumMissed = SampleClock.rate
    /// A shorter piece is not cut in two to be asked again: 4 s.
    private static let minimumCut = 4 * Int(SampleClock.rate)
    /// So much is heard a second time where that is to tell whether the language is understood: 3 to 5 s.
    private static let minimumAgain = 3 * SampleClock.rate
    private static let maximumAgain = 5 * SampleClock.rate
    /// What decoding a second takes at most; without so much an empty answer is want of memory.
    private static let bytesPerSecond = 16 << 20

    package init(
        isGenerative: Bool, detect: @escaping ([Float]) -> [SampleRange],
        decode: @escaping ([Float]) -> DecodedText?, hasMemory: @escaping (Int) -> Bool = { _ in true }
    ) {
        self.isGenerative = isGenerative
        self.detect = detect
        self.decode = decode
        self.hasMemory = hasMemory
    }

    /// Takes as long as the model does, which is not to be interrupted.
    /// - Parameters:
    ///   - samples: at 16 kHz; fewer than `minimumSamples` are no speech.
    ///   - checksLanguage: a part is heard a second time, to see whether the model understands the language.
    package func hear(_ samples: [Int16], checksLanguage: Bool = false) -> PieceHearing {
        var hearing = PieceHearing()
        hearing.speech = voices(in: samples)
        let audio = samples.map { Float($0) / 32768 }
        let bounds = SampleRange(0, Int64(samples.count))
        guard !hearing.speech.isEmpty else { return hearing }
        let first = ask(audio, bounds, hearing.speech)
        var answers = [first]
        if first.doubt != nil {
            answers = secondLook(bounds, samples, hearing.speech).map { range, isPadded in
                ask(audio, range, hearing.speech, isPadded: isPadded)
            }
        }
        let pauses = PauseListening(speech: hearing.speech) { range in
            let answer = ask(audio, range, hearing.speech)
            return answer.doubt == nil ? answer.part?.text : nil
        }
        for answer in answers {
            if let doubt = answer.doubt { hearing.doubts.append(doubt) }
            if let part = answer.part { hearing.parts += pauses.divided(part) }
            hearing.language = hearing.language ?? answer.language
        }
        if checksLanguage, isGenerative, hearing.doubts.isEmpty, !agrees(hearing, audio, samples) {
            hearing.doubts.append(.disagreement)
        }
        return hearing
    }

    /// Where somebody speaks.
    package func voices(in samples: [Int16]) -> [SampleRange] {
        guard samples.count >= Self.minimumSamples else { return [] }
        let bounds = SampleRange(0, Int64(samples.count))
        return detect(Self.normalised(samples.map { Float($0) / 32768 })).map { $0.clamped(to: bounds) }
            .filter { !$0.isEmpty }
    }

    /// True where there is too little to judge by.
    private func agrees(_ hearing: PieceHearing, _ audio: [Float], _ samples: [Int16]) -> Bool {
        let whole = SampleRange(0, Int64(samples.count))
        let text = hearing.parts.map(\.text).joined(separator: " ")
        guard hearing.spokenSamples >= Self.minimumAgain, !text.contains(where: \.isUnspaced) else { return true }
        let cut = middleCut(whole, samples, hearing.speech)
        let pauses = zip(hearing.speech, hearing.speech.dropFirst()).map { ($0.end + $1.start) / 2 }
        let fitting = Self.minimumAgain...Self.maximumAgain
        let start = pauses.first { fitting.contains(cut - $0) } ?? max(0, cut - Self.maximumAgain)
        let end = pauses.last { fitting.contains($0 - cut) } ?? min(cut + Self.maximumAgain, whole.end)
        // One of the two may be a passage that is hard to understand.
        return [SampleRange(cut, end), SampleRange(start, cut)].contains { range in
            guard let part = ask(audio, range, hearing.speech).part else { return true }
            return !HeardAgain.isAnotherText(part.text, than: text)
        }
    }

    // MARK: One answer

    private struct Answer {
        var part: PieceHearing.Part?
        var language: String?
        var doubt: PieceHearing.Doubt?
    }

    private func ask(
        _ audio: [Float], _ range: SampleRange, _ speech: [SampleRange], isPadded: Bool = false
    ) -> Answer {
        let own = speech.map { $0.clamped(to: range) }.filter { !$0.isEmpty }
        guard let last = own.last else { return Answer() }
        let spoken = own.reduce(0) { $0 + $1.count }
        let silence = [Float](repeating: 0, count: Self.padding)
        var input = Array(audio[Int(range.start)..<Int(range.end)])
        if isPadded { input = silence + input }
        if isPadded || last.end > range.end - Self.abrupt { input += silence }
        guard let heard = decode(input) else { return Answer(doubt: .nothing) }
        var text = heard.text
        if isGenerative, Double(heard.tokenCount) > Self.tokensPerSecond * (SampleClock.seconds(spoken) + 1) {
            return Answer(language: heard.language, doubt: .runaway)
        }
        var doubt: PieceHearing.Doubt?
        if text.contains("<unk>") {
            doubt = .unknown
            text = text.replacing("<unk>", with: "")
        }
        guard text.contains(where: { !$0.isWhitespace }) else {
            guard spoken >= Self.minimumMissed else { return Answer(doubt: doubt) }
            let isShort = !hasMemory(input.count / Int(SampleClock.rate) * Self.bytesPerSecond)
            return Answer(doubt: isShort ? .memory : doubt ?? .nothing)
        }
        let offset = range.start - (isPadded ? Int64(Self.padding) : 0)
        let tokens = heard.tokens.filter { $0.text != "<unk>" && $0.seconds.isFinite }.map { token in
            let start = offset + SampleClock.samples(seconds: min(max(0, token.seconds), 3600))
            return PieceHearing.Token(text: token.text, start: min(max(start, range.start), range.end))
        }
        return Answer(
            part: PieceHearing.Part(range: range, text: text, tokens: tokens), language: heard.language, doubt: doubt)
    }

    /// What is asked instead of the whole: two parts, cut in the pause nearest to the middle; a short piece once more, with
    /// silence on both sides.
    private func secondLook(
        _ whole: SampleRange, _ samples: [Int16], _ speech: [SampleRange]
    ) -> [(range: SampleRange, isPadded: Bool)] {
        guard samples.count >= Self.minimumCut else { return [(whole, true)] }
        let cut = middleCut(whole, samples, speech)
        return [SampleRange(0, cut), SampleRange(cut, whole.end)].map { ($0, true) }
    }

    /// The pause nearest to the middle; without one, the quietest place around it.
    private func middleCut(_ whole: SampleRange, _ samples: [Int16], _ speech: [SampleRange]) -> Int64 {
        let window = samples.count / 5..<samples.count * 4 / 5
        let pauses = zip(speech, speech.dropFirst()).map { ($0.end + $1.start) / 2 }
        let near = pauses.filter { window.contains(Int($0)) }.min {
            abs($0 - whole.middle) < abs($1 - whole.middle)
        }
        return near
            ?? Int64(PauseFinder.quietestCut(in: samples, near: samples.count / 2, window: window).position)
    }

    // MARK: Loudness

    /// As loud as the detector wants it: it passes over what is soft. The loudest thousandth, which may be clicks, is cut
    /// off at full scale.
    static func normalised(_ audio: [Float]) -> [Float] {
        var levels = audio.map(abs)
        levels.sort()
        guard let loud = levels.isEmpty ? nil : levels[(levels.count - 1) * 999 / 1000], loud > 0 else { return audio }
        let gain = 0.5 / loud
        return audio.map { min(1, max(-1, $0 * gain)) }
    }
}
