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

    /// The last stream that had its header.
    private var known: OggStream?
    /// How far into a stream whose first pages are lost it is believed that it began at its beginning, in seconds.
    private static let maximumLostStart = 600.0

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
                decoding.known = stream
            } catch let failure as DecodingFailure {
                if try !decoding.decodeWithoutHeader(stream, to: &output) {
                    broken += 1
                    if broken == chain.count { throw failure }
                }
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

    /// Decodes a stream whose header is lost or broken with that of the one before; where there is none, or it does not fit,
    /// silence stands for the stream.
    /// - Returns: whether there was anything in it.
    private mutating func decodeWithoutHeader(_ stream: OggStream, to output: inout DecoderOutput) throws -> Bool {
        guard let first = stream.soundStart, isAnnounced, let known else { return false }
        var position: Int64 = 0
        var rate = 0
        (origin, isBroadcast) = (0, false)
        let prefix = known.codec == stream.codec ? known.header(for: stream, of: file) : []
        var start = first
        for hole in stream.holes.filter({ $0.start > first }) {
            try decode(
                stream, start..<max(start, hole.start), until: hole.granule, behind: prefix, &position, &rate,
                to: &output)
            start = hole.end
        }
        try decode(
            stream, start..<max(start, stream.end), until: stream.lastGranule, behind: prefix, &position, &rate,
            to: &output)
        try output.finishSamples()
        let (length, clock) = (Double(stream.lastGranule), Double(max(1, known.sampleRate)))
        if position == 0, length > 0, base + length / clock < Loss.maximumRecording {
            loss.add(from: base, to: base + length / clock)
            try output.writeSilence(frames: stream.lastGranule, rate: known.sampleRate)
            try output.finishSamples()
            (position, rate) = (stream.lastGranule, known.sampleRate)
        }
        base += Double(position) / Double(max(1, rate))
        return position > 0
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
    ///   - header: what the decoder has to know; nil: the stream has it itself.
    ///   - position: samples of the stream that were written.
    private mutating func decode(
        _ stream: OggStream, _ bytes: Range<Int64>, until granule: Int64, behind header: [UInt8]? = nil,
        _ position: inout Int64, _ rate: inout Int, to output: inout DecoderOutput
    ) throws {
        let isFirst = header == nil && bytes.lowerBound == stream.start
        func open() throws(DecodingFailure) -> SoundFile {
            let prefix =
                header
                ?? (isFirst ? [] : file.bytes(at: stream.start, count: Int(stream.headerEnd - stream.start)))
            let length = bytes.upperBound - bytes.lowerBound
            return try SoundFile(VirtualFile(file, prefix: prefix, start: bytes.lowerBound, length: length))
        }
        let sound: SoundFile
        do {
            sound = try open()
        } catch {
            if isFirst { throw error }
            // A piece without a whole page, whose position is that of the one before; or one that cannot be decoded by itself,
            // as the last page of Opus, which ends before its packets do.
            let behind = end(of: granule, in: stream, rate: rate)
            try fill(behind - origin - position, rate: rate, &position, to: &output)
            return
        }
        rate = sound.sampleRate
        if !isAnnounced {
            isAnnounced = true
            // A damaged position can be any number.
            try output.announce(
                format.name, rate: rate, channels: sound.channels, estimated: chain.seconds, declared: nil)
        }
        let end = end(of: granule, in: stream, rate: rate)
        if !isFirst {
            // The beginning of a piece has no position of its own; its end has.
            let begin = end - Self.frames(of: try open())
            // One that lacks its beginning is no broadcast that was joined late, unless it comes from far within one.
            let limit = Int64(Self.maximumLostStart) * Int64(rate)
            if position == 0, isBroadcast && begin > 5 * Int64(rate) || header != nil && begin > limit {
                origin = begin
            }
            try fill(begin - origin - position, rate: rate, &position, to: &output)
        }
        let (frames, opposite) = try LibraryDecoding.decode(sound, to: &output)
        position += frames
        if isFirst, end - position > 2 * Int64(rate) { origin = end - position }
        sawOpposite = sawOpposite || opposite
    }

    /// Of a page's position, in frames of the decoder.
    private func end(of granule: Int64, in stream: OggStream, rate: Int) -> Int64 {
        min(max(0, granule - stream.preSkip), 1 << 42) * Int64(rate) / Int64(max(1, stream.sampleRate))
    }

    /// Silence in place of frames that are missing.
    private mutating func fill(
        _ missing: Int64, rate: Int, _ position: inout Int64, to output: inout DecoderOutput
    ) throws {
        let place = base + Double(position) / Double(max(1, rate))
        let seconds = Double(missing) / Double(max(1, rate))
        guard rate > 0, missing > 0, place + seconds < Loss.maximumRecording else { return }
        loss.add(from: place, to: place + seconds)
        try output.writeSilence(frames: missing, rate: rate)
        position += missing
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
