import AudioContainers
import Transcription

/// Decodes with libsndfile and libmpg123, in the decoder process.
enum LibraryDecoding {
    /// Writes the properties, the samples and the warnings of a recording.
    /// - Throws: `DecodingFailure`, `DecoderOutput.Closed`.
    static func decode(_ format: AudioFormat, of file: FileBytes, to output: inout DecoderOutput) throws {
        var opposite = false
        switch format.decoder {
        case .mpg123(let start):
            try MPEGDecoding.decode(format, of: file, from: start, to: &output)
        case .wave(let header):
            let prefix = header.cleanHeader()
            let sound = try SoundFile(
                VirtualFile(file, prefix: prefix, start: header.dataStart, length: header.dataBytes))
            let seconds = sound.seconds(of: sound.declaredFrames)
            try output.announce(
                format.name, rate: sound.sampleRate, channels: sound.channels, estimated: seconds,
                declared: seconds.map { header.declaredSeconds($0) }, trust: header.trust)
            opposite = try decode(sound, to: &output).1
            try output.finishSamples()
            let share = header.declaredBytes.map { Double($0) / Double(header.dataBytes) }
            try tell(header.tail, declared: share.flatMap { share in seconds.map { share * $0 } }, to: &output)
        case .flac(let start):
            opposite = try FLACDecoding.decode(format, of: .plain(file), from: start, to: &output)
        case .sndfile(let start):
            opposite = try decode(format, of: file, from: start, to: &output)
        case .ogg(let chain):
            opposite = try OggDecoding.decode(chain, format, of: file, to: &output)
        case .raw(let coding):
            let sound = try SoundFile(
                VirtualFile(file, prefix: coding.header(), start: 0, length: file.size))
            let seconds = sound.seconds(of: sound.declaredFrames)
            try output.announce(
                format.name, rate: sound.sampleRate, channels: 1, estimated: seconds, declared: seconds)
            opposite = try decode(sound, to: &output).1
            try output.finishSamples()
        case .oggFLAC(let start):
            guard let contents = OggContents(of: file, from: start) else {
                throw DecodingFailure(.undecodable, "is damaged: it consists of too many pieces.")
            }
            opposite = try FLACDecoding.decode(format, of: .paged(contents), from: 0, to: &output)
        case .ffmpeg: break
        }
        if opposite {
            try output.send(
                .warning(
                    "The left and the right channel cancel each other out in places; there only the left was used."))
        }
    }

    private static func decode(
        _ format: AudioFormat, of file: FileBytes, from start: Int64, to output: inout DecoderOutput
    ) throws -> Bool {
        let layout = SoundLayout(file, at: start)
        let trust = layout?.trust(in: file) ?? .alone
        let tail = layout?.tail(in: file) ?? .nothing
        var bytes = VirtualFile(file, start: start, length: file.size - start)
        if let layout, case let there = layout.end(in: file, tail) - layout.start, there > 0,
            there != layout.declaredBytes || !layout.isConsistent, let header = layout.header(for: there, of: file)
        {
            bytes = VirtualFile(file, prefix: Array(header.dropFirst(Int(start))), start: layout.start, length: there)
        }
        let sound = try SoundFile(bytes)
        // Where the writer left the length of the sound open, its count of frames says nothing either.
        let isOpen = layout.map { $0.declaredSeconds == nil } ?? false
        let isLaidOut = layout?.declaredSeconds != nil
        let frames = [tail.isSound || isOpen || isLaidOut ? nil : format.declaredFrames, sound.declaredFrames]
            .compactMap { $0 }
            .max()
        let there = layout.map { Double($0.end(in: file, tail) - $0.start) / $0.bytesPerSecond }
        let seconds = [sound.seconds(of: frames), tail.isSound ? nil : layout?.declaredSeconds].compactMap { $0 }.max()
        try output.announce(
            format.name, rate: sound.sampleRate, channels: sound.channels, estimated: there ?? seconds,
            declared: seconds, trust: trust)
        let sawOpposite = try decode(sound, to: &output).1
        try output.finishSamples()
        try tell(tail, declared: layout?.declaredSeconds, to: &output)
        return sawOpposite
    }

    /// A header that declares less than there is.
    private static func tell(_ tail: SoundTail, declared: Double?, to output: inout DecoderOutput) throws {
        guard let declared, tail != .nothing else { return }
        let place = TimeText.clock(seconds: declared)
        let words =
            tail.isSound
            ? "The header of the file declares \(place), but there is sound behind that; all of it has been transcribed."
            : "Behind the end of the sound, at \(place), the file holds something else, text or another file; that was "
                + "left out."
        try output.send(.warning(words))
    }

    /// Everything up to the end; the resampler keeps its state.
    /// - Returns: how many frames came; whether channels were seen that cancel each other out.
    static func decode(_ sound: borrowing SoundFile, to output: inout DecoderOutput) throws -> (Int64, Bool) {
        let input = UnsafeMutableBufferPointer<Float>.allocate(capacity: Downmixer.blockFrames * sound.channels)
        let mono = UnsafeMutableBufferPointer<Float>.allocate(capacity: Downmixer.blockFrames)
        defer {
            input.deallocate()
            mono.deallocate()
        }
        var mixer = Downmixer(channels: sound.channels, centre: sound.centre, level: output.level)
        var count: Int64 = 0
        while true {
            let frames = sound.read(into: input)
            guard frames > 0 else {
                try Interruption.check(sound.source)
                break
            }
            mixer.mix(UnsafeBufferPointer(rebasing: input[..<(frames * sound.channels)]), into: mono)
            try output.write(UnsafeBufferPointer(rebasing: mono[..<frames]), rate: sound.sampleRate)
            count += Int64(frames)
        }
        return (count, mixer.sawOppositeChannels)
    }
}

extension RawCoding {
    /// An AU header for what libsndfile is to read: in the byte order of the samples, and with the length left open.
    fileprivate func header() -> [UInt8] {
        let (encoding, rate): (UInt32, UInt32) =
            switch self {
            case .aLaw: (27, 8_000)
            case .linear(let rate): (3, UInt32(rate))
            default: (1, 8_000)
            }
        let numbers: [UInt32] = [24, .max, encoding, rate, 1]
        return Array("dns.".utf8)
            + numbers.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    }
}
