import AudioContainers
import Transcription

/// Decodes FLAC with libFLAC itself. Each frame says where it belongs: what is missing in front of it, or broken, is silence
/// of the right length, and what comes twice is left out. Streams that were joined follow each other.
struct FLACDecoding: ~Copyable {
    private let format: AudioFormat
    private let file: FLACSource
    private let mono = UnsafeMutableBufferPointer<Float>.allocate(capacity: Downmixer.blockFrames)
    private let input = UnsafeMutableBufferPointer<Float>.allocate(
        capacity: (Downmixer.blockFrames + FLACStream.maximumFrame) * FLACStream.maximumChannels)
    /// Frames of samples in `input`.
    private var filled = 0
    private var mixer: Downmixer?
    private var channels = 0
    private var rate = 0
    /// Samples of the present stream that have come or were made up.
    private var expected: Int64 = 0
    /// Samples of the present stream by its header; nil where that leaves it open.
    private var declared: Int64?
    /// Where the present stream begins, in seconds of the recording.
    private var base = 0.0
    private var loss = Loss()
    private var repeated: Int64 = 0
    private var sawOpposite = false
    /// Where a header says that its stream ends although it goes on, in seconds of the recording.
    private var tooShort: Double?
    /// Behind the last frame.
    private var lastEnd: Int64 = 0
    /// Of the present stream.
    private var header: FLACFrames?

    private init(_ format: AudioFormat, _ file: FLACSource) {
        self.format = format
        self.file = file
    }

    deinit {
        mono.deallocate()
        input.deallocate()
    }

    /// - Returns: whether channels were seen that cancel each other out.
    /// - Throws: `DecodingFailure`, `Interruption`, `DecoderOutput.Closed`.
    static func decode(
        _ format: AudioFormat, of file: FLACSource, from start: Int64, to output: inout DecoderOutput
    ) throws -> Bool {
        var decoding = FLACDecoding(format, file)
        var next: Int64? = start
        while let place = next { next = try decoding.decodeStream(at: place, to: &output) }
        try Interruption.check(file)
        guard decoding.channels > 0 else {
            // With a header in order it is just empty.
            if FLACFrames(file, at: start) != nil { return false }
            throw DecodingFailure(
                .undecodable,
                "cannot be decoded: its header is damaged, or the sound is stored in a way that cannot be read here.")
        }
        try output.finishSamples()
        try decoding.tell(to: &output)
        return decoding.sawOpposite
    }

    private func tell(to output: inout DecoderOutput) throws {
        try loss.tell(to: &output)
        if let tooShort {
            try output.send(
                .warning(
                    "The header of the file declares \(TimeText.clock(seconds: tooShort)), but there is sound behind that; all of it "
                        + "has been transcribed."))
        }
        guard repeated > 0 else { return }
        try output.send(
            .warning(
                "Pieces of the file are there twice, \(TimeText.clock(seconds: Double(repeated) / Double(rate))) in all; they "
                    + "were left out the second time."))
    }

    /// - Returns: where another stream begins behind this one; nil at the end.
    private mutating func decodeStream(at start: Int64, to output: inout DecoderOutput) throws -> Int64? {
        let isFirst = channels == 0
        header = FLACFrames(file, at: start)
        declared = header?.declaredSamples
        var stream = try FLACStream(file, from: start)
        guard let base = input.baseAddress else { return nil }
        var isRead = false
        while hasMore(stream.position), let frame = try stream.next(into: base + filled * channels) {
            guard SampleRates.usable.contains(frame.rate) else {
                throw DecodingFailure.impossible(channels: frame.channels, rate: frame.rate)
            }
            if frame.channels != channels || frame.rate != rate { try change(to: frame, at: base, &output) }
            isRead = true
            try take(frame, at: base, to: &output)
        }
        try flush(to: &output)
        if isFirst, isRead, isWhole(at: lastEnd) { output.doubtDeclared() }
        if let declared, isRead, !isFirst, declared - expected > Int64(rate) {
            // The end of the first one is told by what the recording declares.
            loss.add(from: seconds(expected), to: seconds(declared))
        }
        let position = stream.position
        guard isRead, position > start, FLACFrames(file, at: position) != nil else { return nil }
        beginStream()
        return position
    }

    /// The stream goes on: by its header, or since the next frame follows what there is, whatever the header says. One whose
    /// numbers begin again was joined without its header.
    /// - Parameter position: behind the last frame.
    private mutating func hasMore(_ position: Int64) -> Bool {
        lastEnd = position
        guard let declared, expected >= declared else { return true }
        guard file.bytes(at: position, count: 1) == [0xFF], let next = header?.next(in: file, from: position),
            next.byte == position, next.sample == expected || next.sample == 0
        else { return false }
        tooShort = tooShort ?? seconds(declared)
        self.declared = nil
        return true
    }

    /// The file ends behind a whole frame, and its table for seeking knows of no more: nothing says that it was cut off but the
    /// length in the header.
    private func isWhole(at position: Int64) -> Bool {
        guard MPEGDamage.behindTags(file, at: position) >= file.size else { return false }
        return header.map { $0.lastSeekPoint(in: file).map { $0 < expected } ?? false } ?? false
    }

    /// In seconds of the recording.
    private func seconds(_ sample: Int64) -> Double { base + Double(sample) / Double(max(1, rate)) }

    /// What follows belongs behind all that has come.
    private mutating func beginStream() {
        base = seconds(expected)
        expected = 0
    }

    private mutating func change(
        to frame: FLACStream.Frame, at start: UnsafeMutablePointer<Float>, _ output: inout DecoderOutput
    ) throws {
        let isFirst = channels == 0
        let place = filled * channels
        try flush(to: &output)
        let now = seconds(expected)
        if place > 0 { start.update(from: start + place, count: frame.count * frame.channels) }
        (channels, rate) = (frame.channels, frame.rate)
        // The clock of samples goes on with another rate.
        base = now - Double(expected) / Double(rate)
        mixer = Downmixer(
            channels: channels, centre: ChannelLayout.flacCentre(channels: channels), level: output.level)
        guard isFirst else { return }
        let declared = format.declaredFrames.map { Double($0) / Double(rate) }
        try output.announce(format.name, rate: rate, channels: channels, estimated: declared, declared: declared)
    }

    /// Takes a frame whose samples stand behind those that wait in `input`.
    private mutating func take(
        _ frame: FLACStream.Frame, at start: UnsafeMutablePointer<Float>, to output: inout DecoderOutput
    ) throws {
        if frame.start == 0, expected > 0 {
            // Another stream, whose beginning was not seen because the end of this one is missing or open.
            // A damaged header may declare any length.
            if let declared, declared - expected <= expected {
                try fill(to: declared, before: frame, at: start, &output)
            }
            declared = nil
            beginStream()
        }
        guard frame.start >= expected else {
            repeated += Int64(frame.count)
            return
        }
        // No header is believed that makes more silence than a recording may have.
        let limit = min(declared ?? .max, Int64(Loss.maximumRecording) * Int64(rate))
        guard frame.start < limit else { return }
        try fill(to: frame.start, before: frame, at: start, &output)
        filled += frame.count
        expected = frame.start + Int64(frame.count)
        var done = 0
        while filled - done >= Downmixer.blockFrames {
            try write(from: done, frames: Downmixer.blockFrames, to: &output)
            done += Downmixer.blockFrames
        }
        filled -= done
        if done > 0 { start.update(from: start + done * channels, count: filled * channels) }
    }

    /// Silence in place of what is missing before `sample`; the frame moves to the beginning of `input`.
    private mutating func fill(
        to sample: Int64, before frame: FLACStream.Frame, at start: UnsafeMutablePointer<Float>,
        _ output: inout DecoderOutput
    ) throws {
        guard sample > expected else { return }
        let place = filled * channels
        try flush(to: &output)
        if place > 0 { start.update(from: start + place, count: frame.count * channels) }
        loss.add(from: seconds(expected), to: seconds(sample))
        try output.writeSilence(frames: sample - expected, rate: rate)
        expected = sample
    }

    private mutating func flush(to output: inout DecoderOutput) throws {
        var done = 0
        while done < filled {
            let count = min(Downmixer.blockFrames, filled - done)
            try write(from: done, frames: count, to: &output)
            done += count
        }
        filled = 0
    }

    private mutating func write(from first: Int, frames: Int, to output: inout DecoderOutput) throws {
        mixer?.mix(
            UnsafeBufferPointer(rebasing: input[(first * channels)..<((first + frames) * channels)]), into: mono)
        sawOpposite = sawOpposite || mixer?.sawOppositeChannels == true
        try output.write(UnsafeBufferPointer(rebasing: mono[..<frames]), rate: rate)
    }
}
