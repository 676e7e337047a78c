import Transcription

/// What could not be decoded in the middle of a recording, and stands there as silence.
struct Loss {
    /// In seconds of the recording.
    private(set) var seconds = 0.0
    private var first: Double?
    /// Those that a person would miss: a word takes about so long.
    private var long: [Range<Double>] = []

    /// In seconds.
    private static let minimumGap = 0.4
    /// In seconds; nothing is believed that makes more silence than this.
    static let maximumRecording = SampleClock.seconds(DecoderMessage.maximumDeclaredLength)
    /// A remark for `tell`.
    static let estimate = "How long it was can only be estimated here: times behind it may be wrong by some seconds."

    init() {}

    var isEmpty: Bool { first == nil }

    mutating func add(from start: Double, to end: Double) {
        first = first ?? start
        seconds += end - start
        // More are not kept by the reader of these, either.
        if end - start >= Self.minimumGap, end < Self.maximumRecording, long.count < 1000 { long.append(start..<end) }
    }

    /// - Parameter remark: a further sentence; empty for none.
    /// - Throws: `DecoderOutput.Closed`.
    func tell(_ remark: String = "", to output: inout DecoderOutput) throws {
        guard let first else { return }
        for piece in long {
            try output.send(
                .loss(
                    SampleRange(
                        SampleClock.samples(seconds: piece.lowerBound), SampleClock.samples(seconds: piece.upperBound)))
            )
        }
        let tenths = max(1, Int(seconds * 10))
        try output.send(
            .warning(
                "The file is damaged, first at \(TimeText.clock(seconds: first)): "
                    + "\(tenths / 10).\(tenths % 10) seconds could not be decoded and count as silence."
                    + (remark.isEmpty ? "" : " " + remark)))
    }
}
