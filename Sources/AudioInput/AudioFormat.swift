package import AudioContainers

/// What a recording is, by its content.
package struct AudioFormat: Equatable, Sendable {
    /// Who decodes it.
    package enum Decoder: Equatable, Sendable {
        /// libmpg123, from this byte on.
        case mpg123(start: Int64)
        /// libFLAC, from this byte on.
        case flac(start: Int64)
        /// libsndfile, from this byte on.
        case sndfile(start: Int64)
        /// libsndfile, through a header of our own (`WaveHeader`).
        case wave(WaveHeader)
        /// libsndfile, one stream after the other.
        case ogg(OggChain)
        /// libsndfile, through a header of our own: all bytes are sound of this kind (µ-law, A-law or linear).
        case raw(RawCoding)
        /// libFLAC, in Ogg pages from this byte on.
        case oggFLAC(start: Int64)
        /// The ffmpeg program with this demuxer.
        case ffmpeg(demuxer: String)
    }

    /// In lower case, as `AudioProperties.format` has it.
    package let name: String
    /// For messages: "MPEG-4 audio (m4a)".
    package let title: String
    package let decoder: Decoder
    /// Length by the header, in frames of the recording's own rate; nil when it does not say.
    package var declaredFrames: Int64?
    /// A sentence about something odd that was seen before decoding.
    package var warning: String?

    package init(
        _ name: String, _ title: String, _ decoder: Decoder, declaredFrames: Int64? = nil, warning: String? = nil
    ) {
        self.name = name
        self.title = title
        self.decoder = decoder
        self.declaredFrames = declaredFrames
        self.warning = warning
    }
}

/// Why a recording cannot be decoded.
package struct DecodingFailure: Error, Equatable {
    package enum Code: String { case notARecording, unsupportedFormat, undecodable }
    package let code: Code
    /// The rest of a sentence that begins with the file's name: "is empty (0 bytes)."
    package let message: String
    /// What the library or ffmpeg says of it, for the log; nil where that says no more.
    package let detail: String?

    package init(_ code: Code, _ message: String, detail: String? = nil) {
        self.code = code
        self.message = message
        self.detail = detail
    }

    /// A header that cannot be true.
    static func impossible(channels: Int, rate: Int) -> DecodingFailure {
        DecodingFailure(.notARecording, "has a damaged header: it declares \(channels) channels at \(rate) Hz.")
    }
}
