/// What went wrong with a recording, a chunk or the surroundings, for programs (`code`) and for people (`message`).
package struct TranscriptionError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable, Codable {
        /// Missing or not readable (exit 66).
        case noSuchInput
        /// Not a regular file, not audio, empty (exit 65).
        case notARecording
        /// A format that needs a decoder that is not installed (exit 65).
        case unsupportedFormat
        /// Damaged so that nothing could be decoded, or the decoder died (exit 65).
        case undecodable
        /// The decoder was ended from outside, again and again, before it gave anything: no fault of the recording (exit 65).
        case decodingInterrupted
        /// Larger than the inbox takes (exit 65).
        case tooLarge
        /// Changed while it was being read: try again later.
        case recordingChanged
        /// The engine cannot be used at all: not installed, wrong key, no quota, no such model, not reachable (exit 69).
        case engineUnavailable
        /// The engine works, but not in the language that was asked for (exit 69).
        case languageNotSupported
        /// One request failed.
        case requestFailed
        /// Sidecars or state cannot be written (exit 73).
        case cannotWrite
        /// Settings (exit 78).
        case configuration
        /// A fault of the program (exit 70).
        case internalFault
    }

    /// What a failed request means for what comes next.
    package enum Remedy: Sendable, Hashable {
        /// The same request again, not before the time that the server named.
        case retry(after: Duration?)
        /// The server takes no audio of this length or size: cut it in a pause and send the parts. With the greatest length
        /// in samples if the server told one; nil: halve it.
        case split(maximumSamples: Int64?)
        /// This chunk will fail every time; the others may not.
        case giveUpChunk
        /// Every chunk would fail the same way: stop the recording.
        case giveUpRecording
    }

    /// What a failure says about the load the engine can take, for the `ConcurrencyController`.
    package enum Pressure: Sendable, Hashable {
        /// The server refused for load (429, 503, 498).
        case refused
        /// It may be overloaded: a time-out, a broken connection, another 5xx.
        case strained
    }

    package let code: Code
    /// One or two sentences: what failed, on which file, and what to do. No secret, no transcript text.
    package let message: String
    package let cause: (any Error)?
    /// Meaningful for errors of `Transcriber`s.
    package let remedy: Remedy
    /// Meaningful for errors of `Transcriber`s; nil says nothing about load.
    package let pressure: Pressure?

    package init(
        _ code: Code, _ message: String, cause: (any Error)? = nil, remedy: Remedy = .giveUpRecording,
        pressure: Pressure? = nil
    ) {
        self.code = code
        self.message = message
        self.cause = cause
        self.remedy = remedy
        self.pressure = pressure
    }

    package var description: String { message }
}
