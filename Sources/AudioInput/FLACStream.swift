import AudioContainers
import CFLAC

/// A libFLAC decoder that reads a stretch of a file from front to end, frame by frame, and never seeks.
struct FLACStream: ~Copyable {
    /// A frame, whose samples lie in `samples`.
    struct Frame {
        /// The place in the stream that its header gives.
        let start: Int64
        let count: Int
        let channels: Int
        let rate: Int
    }

    private let handle: UnsafeMutablePointer<FLAC__StreamDecoder>
    private let reader: FLACFrameReader
    private let frames: FLACFrames?
    /// How often more is looked for at damage; each time may read far.
    private var looksLeft = 1000

    /// - Throws: `Interruption` when the library cannot be set up.
    init(_ file: FLACSource, from start: Int64) throws(Interruption) {
        guard let handle = FLAC__stream_decoder_new() else { throw Interruption(cause: "memory is short") }
        let reader = FLACFrameReader(file, from: start)
        let status = FLAC__stream_decoder_init_stream(
            handle,
            { _, buffer, count, context in FLACFrameReader.at(context).read(buffer, count) },
            nil,
            { _, place, context in
                place?.pointee = UInt64(FLACFrameReader.at(context).position)
                return FLAC__STREAM_DECODER_TELL_STATUS_OK
            },
            nil, nil,
            { _, frame, channels, context in
                if let frame, let channels { FLACFrameReader.at(context).take(frame, channels) }
                return FLAC__STREAM_DECODER_WRITE_STATUS_CONTINUE
            },
            nil,
            { _, status, context in
                let reader = FLACFrameReader.at(context)
                reader.sawError = true
                if status == FLAC__STREAM_DECODER_ERROR_STATUS_FRAME_CRC_MISMATCH { reader.isBroken = true }
            },
            Unmanaged.passUnretained(reader).toOpaque())
        guard status == FLAC__STREAM_DECODER_INIT_STATUS_OK else {
            FLAC__stream_decoder_delete(handle)
            throw Interruption(cause: "memory is short")
        }
        self.handle = handle
        self.reader = reader
        frames = FLACFrames(file, at: start)
    }

    deinit {
        FLAC__stream_decoder_delete(handle)
        withExtendedLifetime(reader) {}
    }

    /// The next frame that is whole; nil at the end.
    /// - Parameter buffer: takes its samples, interleaved, full scale is 1; room for `maximumFrame` of 8 channels.
    /// - Throws: `Interruption` when memory is short.
    mutating func next(into buffer: UnsafeMutablePointer<Float>) throws(Interruption) -> Frame? {
        reader.buffer = buffer
        var again: Int64?
        while true {
            reader.frame = nil
            (reader.isBroken, reader.sawError, reader.framesGiven) = (false, false, 0)
            let before = position
            let goesOn = FLAC__stream_decoder_process_single(handle) != 0
            if reader.sawError, looksLeft > 0, let header = frames?.next(in: reader.file, from: before),
                header.sample < reader.frame?.start ?? .max
            {
                // Reading a broken frame may have swallowed the beginning of the next one.
                goOn(from: header.byte + 2)
                continue
            }
            if let frame = reader.frame {
                guard reader.framesGiven > 1, looksLeft > 0, frame.start != again,
                    let place = place(of: frame, behind: before)
                else {
                    return frame
                }
                // libFLAC 1.4 makes up frames for those that are missing, and zeroes the one behind them.
                again = frame.start
                goOn(from: place)
                continue
            }
            let state = FLAC__stream_decoder_get_state(handle)
            if state == FLAC__STREAM_DECODER_MEMORY_ALLOCATION_ERROR { throw Interruption(cause: "memory is short") }
            if !goesOn || state == FLAC__STREAM_DECODER_END_OF_STREAM || state == FLAC__STREAM_DECODER_ABORTED {
                return nil
            }
        }
    }

    private mutating func goOn(from place: Int64) {
        looksLeft -= 1
        reader.goOn(from: place)
        FLAC__stream_decoder_flush(handle)
    }

    private func place(of frame: Frame, behind start: Int64) -> Int64? {
        var at = start
        while at < reader.position, let header = frames?.next(in: reader.file, from: at) {
            if header.sample == frame.start { return header.byte }
            at = header.byte + 2
        }
        return nil
    }

    /// Behind the last frame that was read.
    var position: Int64 {
        var place: UInt64 = 0
        return FLAC__stream_decoder_get_decode_position(handle, &place) != 0 ? Int64(place) : reader.position
    }

    /// Samples of a channel, by the format.
    static let maximumFrame = 65_535
    static let maximumChannels = 8
}

/// What the decoder's calls back go to.
private final class FLACFrameReader {
    let file: FLACSource
    private(set) var position: Int64
    var buffer: UnsafeMutablePointer<Float>?
    var frame: FLACStream.Frame?
    /// The last frame has a wrong checksum: the library gives silence in its place.
    var isBroken = false
    /// In one step of the decoder.
    var framesGiven = 0
    /// Something that is no frame was passed over.
    var sawError = false

    init(_ file: FLACSource, from start: Int64) {
        self.file = file
        position = start
    }

    static func at(_ context: UnsafeMutableRawPointer?) -> FLACFrameReader {
        // swift-format-ignore: NeverForceUnwrap
        Unmanaged<FLACFrameReader>.fromOpaque(context!).takeUnretainedValue()
    }

    func goOn(from place: Int64) { position = place }

    func read(
        _ buffer: UnsafeMutablePointer<UInt8>?, _ count: UnsafeMutablePointer<Int>?
    ) -> FLAC__StreamDecoderReadStatus {
        guard let buffer, let count else { return FLAC__STREAM_DECODER_READ_STATUS_ABORT }
        count.pointee = file.read(at: position, into: buffer, count: count.pointee)
        position += Int64(count.pointee)
        return count.pointee > 0
            ? FLAC__STREAM_DECODER_READ_STATUS_CONTINUE : FLAC__STREAM_DECODER_READ_STATUS_END_OF_STREAM
    }

    /// In front of a frame the library may give made-up ones for those that are missing; the last one counts.
    func take(
        _ header: UnsafePointer<FLAC__Frame>, _ input: UnsafePointer<UnsafePointer<FLAC__int32>?>
    ) {
        frame = nil
        framesGiven += 1
        let header = header.pointee.header
        let (count, channels) = (Int(header.blocksize), Int(header.channels))
        guard !isBroken, let buffer, (1...FLACStream.maximumFrame).contains(count), header.bits_per_sample > 0,
            (1...FLACStream.maximumChannels).contains(channels)
        else { return }
        let scale = 1 / Float(UInt32(1) << (header.bits_per_sample - 1))
        for channel in 0..<channels {
            guard let samples = input[channel] else { return }
            var at = channel
            for i in 0..<count {
                buffer[at] = Float(samples[i]) * scale
                at += channels
            }
        }
        frame = FLACStream.Frame(
            start: Int64(header.number.sample_number), count: count, channels: channels, rate: Int(header.sample_rate))
    }
}
