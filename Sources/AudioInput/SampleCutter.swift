import Subprocess
import SystemSupport
import Transcription

/// Cuts the samples of a recording into chunks, over as many runs of the decoder as it takes: the same file gives the same
/// samples each time, so a further run goes on where the one before broke off.
struct SampleCutter: ~Copyable {
    private var splitter: AudioSplitter?
    private var plan: ChunkPlan?
    /// Samples that came before it was known how to cut.
    private var early: [Int16] = []
    /// Samples that were taken, of all runs.
    private(set) var sampleCount: Int64 = 0
    /// Of the present run, those that an earlier one gave already.
    private var skip: Int64 = 0

    init() {}

    var isPlanned: Bool { plan != nil }
    /// It is known how to cut.
    var isCutting: Bool { splitter != nil }
    /// As much has come as cuts of the same sound are looked up by.
    var isOpened: Bool { early.count >= RecordingCuts.openingSamples }
    /// SHA-256 over the first samples, by which they are looked up; of a shorter recording over all that have come.
    var opening: Digest {
        early.prefix(RecordingCuts.openingSamples).withUnsafeBytes { SHA256.digest(of: $0) }
    }
    /// The present run has given less than an earlier one. A few samples are no sign of anything: where a run was ended,
    /// the decoder may have made some up.
    var isBehind: Bool { skip > Self.tolerance }
    private static let tolerance = SampleClock.rate / 20

    /// A run begins: its samples are those of the recording from the start.
    mutating func beginRun() { skip = sampleCount }

    /// Takes a buffer of the decoder's output.
    /// - Returns: the chunks that are now complete, mostly none.
    mutating func take(
        _ buffer: SubprocessOutputSequence.Buffer, _ parser: inout MessageParser, _ report: inout RunReport
    ) -> [Chunk] {
        var done: [Chunk] = []
        var isStray = false
        do {
            try buffer.withUnsafeBytes { bytes in
                try parser.consume(
                    bytes,
                    onSamples: { samples in
                        isStray = isStray || report.properties == nil
                        if !isStray { done += push(samples) }
                    }, onMessage: { report.take($0) })
            }
        } catch {
            isStray = true
        }
        if isStray { report.noteGarbage() }
        return done
    }

    /// The recording is cut like this, unless it was cut before; called once.
    mutating func accept(_ plan: ChunkPlan) { self.plan = plan }

    /// Cuts from now on; called once, after `accept`.
    /// - Parameter known: how recordings were cut that may be this one.
    /// - Returns: the chunks that the samples so far make.
    mutating func begin(known: [RecordingCuts]) -> [Chunk] {
        guard let plan else { return [] }
        splitter = AudioSplitter(plan: plan, known: known)
        let samples = early
        early = []
        return samples.withUnsafeBufferPointer { splitter?.push($0) ?? [] }
    }

    private mutating func push(_ samples: UnsafeBufferPointer<Int16>) -> [Chunk] {
        let known = Int(min(skip, Int64(samples.count)))
        skip -= Int64(known)
        let new = UnsafeBufferPointer(rebasing: samples.dropFirst(known))
        guard !new.isEmpty else { return [] }
        sampleCount += Int64(new.count)
        guard isCutting else {
            early.append(contentsOf: new)
            return []
        }
        return splitter?.push(new) ?? []
    }

    /// The last chunks; none without samples, or where none were asked for.
    mutating func finish() -> [Chunk] { splitter?.finish() ?? [] }
}
