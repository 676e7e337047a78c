/// What a recording is, by its content.
struct AudioFormat: Equatable, Sendable {
    /// Who decodes it.
    enum Decoder: Equatable, Sendable {
        /// libmpg123, from this byte on.
        case mpg123(start: Int64)
        /// libsndfile, from this byte on.
        case sndfile(start: Int64)
        /// libsndfile, through a header of our own (`WaveHeader`).
        case wave(WaveHeader)
        /// libsndfile, one stream after the other.
        case ogg([OggStream])
        /// The ffmpeg program with this demuxer.
        case ffmpeg(demuxer: String)
    }

    /// In lower case, as `AudioProperties.format` has it.
    let name: String
    /// For messages: "MPEG-4 audio (m4a)".
    let title: String
    let decoder: Decoder
    /// Length by the header, in frames of the recording's own rate; nil when it does not say.
    var declaredFrames: Int64?
    /// A sentence about something odd that was seen before decoding.
    var warning: String?

    init(
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
struct DecodingFailure: Error, Equatable {
    enum Code: String { case notARecording, unsupportedFormat, undecodable }
    let code: Code
    /// The rest of a sentence that begins with the file's name: "is empty (0 bytes)."
    let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
