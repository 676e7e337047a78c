import CMpg123

/// A libmpg123 decoder that is fed by us: samples come out as mono floats, or as stereo for a look at the channels.
struct MPEGStream: ~Copyable {
    enum Mix {
        /// The mean of both channels, made inside the synthesis: half the work.
        case mean
        case left
        case apart
    }

    /// What a step of decoding brought.
    enum Step {
        /// Samples, valid until the next call; their rate. The frame's place in the stream and its length in bytes.
        case samples(UnsafeBufferPointer<Float>, rate: Int, offset: Int64, byteCount: Int64)
        case needsMore
        /// No frame was found within the limit of resynchronisation, or the stream makes no sense.
        case lost
    }

    private let handle: OpaquePointer
    private var rate = 0

    /// - Throws: `Interruption` when the library cannot be set up.
    init(_ mix: Mix) throws(Interruption) {
        guard let handle = mpg123_new(nil, nil) else {
            throw Interruption(cause: "memory is short")
        }
        let flags: mpg123_param_flags =
            switch mix {
            case .mean: MPG123_MONO_MIX
            case .left: MPG123_MONO_LEFT
            case .apart: MPG123_FORCE_STEREO
            }
        mpg123_param2(
            handle, Int32(MPG123_ADD_FLAGS.rawValue),
            Int(MPG123_QUIET.rawValue | MPG123_FORCE_FLOAT.rawValue | flags.rawValue), 0)
        mpg123_param2(handle, Int32(MPG123_RESYNC_LIMIT.rawValue), 65_536, 0)
        mpg123_format_none(handle)
        let channels = mix == .apart ? MPG123_STEREO : MPG123_MONO
        for rate in [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000] {
            mpg123_format(handle, rate, Int32(channels.rawValue), Int32(MPG123_ENC_FLOAT_32.rawValue))
        }
        guard mpg123_open_feed(handle) == Int32(MPG123_OK.rawValue) else {
            mpg123_delete(handle)
            throw Interruption(cause: "memory is short")
        }
        self.handle = handle
    }

    deinit { mpg123_delete(handle) }

    /// Begins again, for bytes that do not follow those fed so far.
    mutating func restart() {
        mpg123_close(handle)
        mpg123_open_feed(handle)
    }

    /// Gives the next bytes of the stream; they are copied. False when the library refuses them.
    func feed(_ bytes: UnsafeRawBufferPointer) -> Bool {
        mpg123_feed(handle, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count) == Int32(MPG123_OK.rawValue)
    }

    /// The next frame.
    mutating func step() -> Step {
        while true {
            var number = 0
            var audio: UnsafeMutablePointer<UInt8>?
            var count = 0
            switch mpg123_decode_frame(handle, &number, &audio, &count) {
            case Int32(MPG123_OK.rawValue):
                guard let audio, count > 0 else { continue }
                var info = mpg123_frameinfo2()
                mpg123_info2(handle, &info)
                let samples = UnsafeRawBufferPointer(start: audio, count: count).bindMemory(to: Float.self)
                return .samples(
                    samples, rate: rate, offset: Int64(mpg123_framepos(handle)), byteCount: Int64(info.framesize))
            case Int32(MPG123_NEW_FORMAT.rawValue):
                var newRate = 0
                var channels: Int32 = 0
                var encoding: Int32 = 0
                mpg123_getformat(handle, &newRate, &channels, &encoding)
                rate = newRate
            case Int32(MPG123_NEED_MORE.rawValue): return .needsMore
            default: return .lost
            }
        }
    }
}
