import Logging
import SystemPackage
import Transcription

/// What one run of the decoder has said so far, besides samples.
struct RunReport {
    private let logger: Logger
    /// More of each are not kept.
    private static let maximumCount = 1000

    private(set) var properties: AudioProperties?
    private(set) var warnings: [String] = []
    /// What the file has lost.
    private(set) var losses: [Transcript.Gap] = []
    /// ffmpeg, where it is at work.
    private(set) var program: Int32?
    /// The decoder's own word may come of a passing fault of reading.
    private(set) var isDoubtful = false
    /// The decoder's own word about how it ended; nil: it has not said any.
    private(set) var end: DecodingEnd?
    /// What came is not from our decoder.
    private(set) var isGarbled = false

    init(logger: Logger) { self.logger = logger }

    mutating func noteGarbage() { isGarbled = true }

    /// Takes a message that is no sample.
    mutating func take(_ message: DecoderMessage) {
        switch message {
        case .properties(let found): properties = found
        case .warning(let text): if warnings.count < 100 { warnings.append(text) }
        case .debug(let text): logger.debug("decoder", metadata: ["decoder.note": "\(text)"])
        case .loss(let range):
            guard losses.count < Self.maximumCount else { return }
            losses.append(Transcript.Gap(range: range, reason: "The file is damaged here.", cause: .damage))
        case .end: end = .complete
        case .failure(let failure): end = .failed(failure)
        case .interruption(let cause, let isCrash): end = isCrash ? .crashed(cause) : .stopped(cause)
        case .unreadable(let errno): end = .unreadable(Errno(rawValue: errno))
        case .doubt: isDoubtful = true
        case .program(let process): program = process
        case .needsProgram(let demuxer, let format, let title, let reading):
            end = .needs(ProgramNeeded(demuxer: demuxer, format: format, title: title, reading: reading))
        }
    }
}
