package import Transcription

/// What the decoder process writes to its standard output: a letter, the length of what follows as 32 bits little
/// endian, and that many bytes.
package enum DecoderMessage: Equatable {
    package enum Kind: UInt8 {
        case properties = 0x50
        case samples = 0x53
        case warning = 0x57
        case debug = 0x44
        case end = 0x45
        case failure = 0x58
        case loss = 0x4C
        case interruption = 0x49
        case unreadable = 0x55
        case program = 0x43
        case doubt = 0x3F
        case needsProgram = 0x4E
    }

    case properties(AudioProperties)
    case warning(String)
    /// For the log of someone who looks for a fault.
    case debug(String)
    /// All that the file gives was decoded; whoever ends without this or a failure has not finished.
    case end
    case failure(DecodingFailure)
    /// What the damaged file has lost, in samples at 16 kHz from the recording's start.
    case loss(SampleRange)
    /// Something that is not in the file ended decoding: ffmpeg was killed, memory was short. What, in a few words.
    /// - Parameter isCrash: a program broke down by itself, perhaps at the file.
    case interruption(String, isCrash: Bool)
    /// Reading the recording failed, with this errno.
    case unreadable(Int32)
    /// What ended the run may have been a passing fault of reading as well as the file: it is tried once more.
    case doubt
    /// ffmpeg was started, with this process id: it may be at work while nothing comes.
    case program(Int32)
    /// The libraries here do not read this; ffmpeg may.
    /// - Parameter reading: how it is to go about it (`ExternalReading`); empty: nothing is known yet.
    case needsProgram(demuxer: String, format: String, title: String, reading: String = "")

    package static let headerBytes = 5
    /// The greatest length of a message; a longer one is not from our decoder.
    package static let maximumByteCount = 1 << 20
    /// A thousand hours, in samples at 16 kHz: a header that declares more is not believed.
    package static let maximumDeclaredLength = 1000 * 3600 * SampleClock.rate
    /// Bytes of samples in a message: with its header just what a pipe takes.
    package static let samplesBytes = (64 << 10) - 8

    private var content: (Kind, String) {
        switch self {
        case .properties(let p):
            (
                .properties,
                [
                    p.format, "\(p.sampleRate)", "\(p.channels)", p.estimatedSampleCount.map { "\($0)" } ?? "-",
                    p.declaredSampleCount.map { "\($0)" } ?? "-",
                ].joined(separator: "\n") + p.changes
            )
        case .warning(let text): (.warning, text)
        case .debug(let text): (.debug, text)
        case .end: (.end, "")
        case .failure(let failure): (.failure, "\(failure.code.rawValue)\n\(failure.message)")
        case .loss(let range): (.loss, "\(range.start)\n\(range.end)")
        case .interruption(let cause, let isCrash): (.interruption, "\(isCrash ? "crash" : "stop")\n\(cause)")
        case .unreadable(let errno): (.unreadable, "\(errno)")
        case .doubt: (.doubt, "")
        case .program(let process): (.program, "\(process)")
        case .needsProgram(let demuxer, let format, let title, let reading):
            (.needsProgram, "\(demuxer)\n\(format)\n\(title)\n\(reading)")
        }
    }

    /// The message as it goes through the pipe.
    package var encoded: [UInt8] {
        let (kind, text) = content
        let bytes = Array(text.utf8.prefix(Self.maximumByteCount))
        return Self.header(kind, count: bytes.count) + bytes
    }

    package static func header(_ kind: Kind, count: Int) -> [UInt8] {
        [kind.rawValue] + (0..<4).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) }
    }

    /// Nil when the bytes make no sense.
    package init?(_ kind: Kind, _ bytes: some Sequence<UInt8>) {
        guard let text = String(validating: Array(bytes), as: UTF8.self) else { return nil }
        let lines = text.split(separator: "\n", maxSplits: 6, omittingEmptySubsequences: false).map(String.init)
        switch kind {
        case .properties:
            guard lines.count == 5 || lines.count == 7, let rate = Int(lines[1]), let channels = Int(lines[2]),
                rate > 0, channels > 0
            else {
                return nil
            }
            self = .properties(
                AudioProperties(
                    format: lines[0], sampleRate: rate, channels: channels, estimatedSampleCount: Int64(lines[3]),
                    declaredSampleCount: Int64(lines[4]),
                    track: lines.count == 7 ? TrackSelection(encoded: lines[6]) : nil,
                    gainDecibels: lines.count == 7 ? Int(lines[5]) : nil))
        case .warning: self = .warning(text)
        case .debug: self = .debug(text)
        case .end: self = .end
        case .failure:
            guard lines.count == 2, let code = DecodingFailure.Code(rawValue: lines[0]) else { return nil }
            self = .failure(DecodingFailure(code, lines[1]))
        case .loss:
            guard lines.count == 2, let start = Int64(lines[0]), let end = Int64(lines[1]), 0 <= start, start < end,
                end <= Self.maximumDeclaredLength
            else { return nil }
            self = .loss(SampleRange(start, end))
        case .interruption:
            guard lines.count >= 2 else { return nil }
            self = .interruption(lines[1...].joined(separator: " "), isCrash: lines[0] == "crash")
        case .unreadable:
            guard let errno = Int32(text), errno > 0 else { return nil }
            self = .unreadable(errno)
        case .doubt: self = .doubt
        case .program:
            guard let process = Int32(text), process > 0 else { return nil }
            self = .program(process)
        case .needsProgram:
            guard lines.count == 4 else { return nil }
            self = .needsProgram(demuxer: lines[0], format: lines[1], title: lines[2], reading: lines[3])
        case .samples: return nil
        }
    }
}

extension AudioProperties {
    /// Two further lines, where there is anything in them.
    fileprivate var changes: String {
        guard track != nil || gainDecibels != nil else { return "" }
        return "\n" + (gainDecibels.map { "\($0)" } ?? "-") + "\n" + (track?.encoded ?? "-")
    }
}

extension TrackSelection {
    /// `2/3 eng`, `1+2/2`.
    fileprivate var encoded: String {
        taken.map { "\($0)" }.joined(separator: "+") + "/\(count)" + (language.map { " " + $0 } ?? "")
    }

    fileprivate init?(encoded text: String) {
        let parts = text.split(separator: " ", maxSplits: 1)
        let numbers = parts.first?.split(separator: "/") ?? []
        guard numbers.count == 2, let count = Int(numbers[1]), count > 0 else { return nil }
        let taken = numbers[0].split(separator: "+").compactMap { Int($0) }
        guard !taken.isEmpty, taken.allSatisfy({ (1...count).contains($0) }) else { return nil }
        self.init(taken: taken, count: count, language: parts.count == 2 ? String(parts[1]) : nil)
    }
}
