import AudioContainers
import Transcription

/// Decodes the streams of an Ogg file one after the other with libsndfile. Where pages are missing, what comes behind is decoded
/// by itself and put where its position says.
struct OggDecoding {
    private let file: FileBytes
    private let format: AudioFormat
    private let chain: OggChain
    private var sawOpposite = false
    private var isAnnounced = false
    private var loss = Loss()
    /// Where the present stream begins, in seconds of the recording.
    private var base = 0.0

    /// The position that the present stream begins with, of a broadcast that was running already.
    private var origin: Int64 = 0
    /// The present stream has its header, and then goes on somewhere in the middle.
    private var isBroadcast = false

    private init(_ chain: OggChain, _ format: AudioFormat, _ file: FileBytes) {
        self.chain = chain
        self.format = format
        self.file = file
    }

    /// - Returns: whether channels were seen that cancel each other out.
    /// - Throws: `DecodingFailure`, `Interruption`, `DecoderOutput.Closed`.
    static func decode(
        _ chain: OggChain, _ format: AudioFormat, of file: FileBytes, to output: inout DecoderOutput
    ) throws -> Bool {
        var decoding = OggDecoding(chain, format, file)
        var broken = 0
        var reader = OggReader(file, from: chain.first.start)
        var next = chain.count == 1 ? chain.first : reader.next()
        var number = 0
        while let stream = next {
            do {
                try decoding.decode(stream, to: &output)
            } catch let failure as DecodingFailure {
                broken += 1
                if broken == chain.count { throw failure }
            }
            number += 1
            next = number < chain.count ? reader.next() : nil
        }
        try decoding.loss.tell(to: &output)
        if broken > 0 {
            try output.send(.warning("\(broken) of the \(chain.count) parts of the file could not be decoded."))
        }
        return decoding.sawOpposite
    }

    private mutating func decode(_ stream: OggStream, to output: inout DecoderOutput) throws {
        var start = stream.start
        var position: Int64 = 0
        var rate = 0
        (origin, isBroadcast) = (0, false)
        for hole in stream.holes {
            try decode(stream, start..<max(start, hole.start), until: hole.granule, &position, &rate, to: &output)
            start = hole.end
            isBroadcast = hole.granule == 0 && hole.start == hole.end
        }
        try decode(stream, start..<max(start, stream.end), until: stream.lastGranule, &position, &rate, to: &output)
        try output.finishSamples()
        base += Double(position) / Double(max(1, rate))
    }

    /// - Parameters:
    ///   - granule: the position of the last page.
    ///   - position: samples of the stream that were written.
    private mutating func decode(
        _ stream: OggStream, _ bytes: Range<Int64>, until granule: Int64, _ position: inout Int64, _ rate: inout Int,
        to output: inout DecoderOutput
    ) throws {
        let isFirst = bytes.lowerBound == stream.start
        func open() throws(DecodingFailure) -> SoundFile {
            let prefix = isFirst ? [] : file.bytes(at: stream.start, count: Int(stream.headerEnd - stream.start))
            let length = bytes.upperBound - bytes.lowerBound
            return try SoundFile(VirtualFile(file, prefix: prefix, start: bytes.lowerBound, length: length))
        }
        let sound: SoundFile
        do {
            sound = try open()
        } catch {
            if isFirst { throw error }
            return  // a piece without a whole page
        }
        rate = sound.sampleRate
        if !isAnnounced {
            isAnnounced = true
            // A damaged position can be any number.
            try output.announce(
                format.name, rate: rate, channels: sound.channels, estimated: chain.seconds, declared: nil)
        }
        let end = min(max(0, granule - stream.preSkip), 1 << 42) * Int64(rate) / Int64(max(1, stream.sampleRate))
        if !isFirst {
            // The beginning of a piece has no position of its own; its end has.
            let begin = end - Self.frames(of: try open())
            if isBroadcast, position == 0 { origin = begin }
            let missing = begin - origin - position
            let seconds = Double(missing) / Double(rate)
            if missing > 0, base + Double(position) / Double(rate) + seconds < Loss.maximumRecording {
                let place = base + Double(position) / Double(rate)
                loss.add(from: place, to: place + seconds)
                try output.writeSilence(frames: missing, rate: rate)
                position += missing
            }
        }
        let (frames, opposite) = try LibraryDecoding.decode(sound, to: &output)
        position += frames
        if isFirst, end - position > 2 * Int64(rate) { origin = end - position }
        sawOpposite = sawOpposite || opposite
    }

    /// How many come out; what the library says before is a guess.
    private static func frames(of sound: consuming SoundFile) -> Int64 {
        let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: Downmixer.blockFrames * sound.channels)
        defer { buffer.deallocate() }
        var count: Int64 = 0
        while case let frames = sound.read(into: buffer), frames > 0 { count += Int64(frames) }
        return count
    }
}
