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
                declared: seconds.map { $0 * header.declaredRatio })
            opposite = try decode(sound, to: &output).sawOpposite
            try output.finishSamples()
        case .sndfile(let start):
            opposite = try decode(format, of: file, from: start, to: &output)
        case .ogg(let chain):
            opposite = try decode(chain, format, of: file, to: &output)
        case .ffmpeg: break
        }
        if opposite {
            try output.send(
                .warning(
                    "The left and the right channel cancel each other out in places; there only the left was used."))
        }
    }

    private static func decode(
        _ chain: OggChain, _ format: AudioFormat, of file: FileBytes, to output: inout DecoderOutput
    ) throws -> Bool {
        var opposite = false
        var broken = 0
        var reader = OggReader(file, from: chain.first.start)
        var next = chain.count == 1 ? chain.first : reader.next()
        var number = 0
        while let stream = next {
            do {
                let sound = try SoundFile(VirtualFile(file, start: stream.start, length: stream.end - stream.start))
                if number == broken {
                    // A damaged position can be any number.
                    try output.announce(
                        format.name, rate: sound.sampleRate, channels: sound.channels, estimated: chain.seconds,
                        declared: nil)
                }
                if try decode(sound, to: &output).sawOpposite { opposite = true }
                try output.finishSamples()
            } catch let failure as DecodingFailure {
                broken += 1
                if broken == chain.count { throw failure }
            }
            number += 1
            next = number < chain.count ? reader.next() : nil
        }
        if broken > 0 {
            try output.send(.warning("\(broken) of the \(chain.count) parts of the file could not be decoded."))
        }
        return opposite
    }

    private static func decode(
        _ format: AudioFormat, of file: FileBytes, from start: Int64, to output: inout DecoderOutput
    ) throws -> Bool {
        let whole = VirtualFile(file, start: start, length: file.size - start)
        var sound = try SoundFile(whole)
        let rate = sound.sampleRate
        let declared = [format.declaredFrames, sound.declaredFrames].compactMap { $0 }.max()
        let seconds = sound.seconds(of: declared)
        try output.announce(
            format.name, rate: rate, channels: sound.channels, estimated: seconds, declared: seconds)
        var outcome = try decode(sound, to: &output)
        var loss = Loss()
        if format.name == "flac", let declared, let frames = FLACFrames(file, at: start) {
            // The library reads ahead by less than this; a frame is shorter, too.
            var searchFrom = start + whole.offset - (256 << 10)
            while loss.count < 1000, outcome.frames < declared,
                let next = frames.next(in: file, after: outcome.frames, below: declared, from: searchFrom)
            {
                loss.add(from: outcome.frames, to: next.sample, rate: rate)
                try output.writeSilence(frames: next.sample - outcome.frames, rate: rate)
                let rest = VirtualFile(file, prefix: frames.header, start: next.byte, length: file.size - next.byte)
                sound = try SoundFile(rest)
                let more = try decode(sound, to: &output)
                outcome.frames = next.sample + more.frames
                outcome.sawOpposite = outcome.sawOpposite || more.sawOpposite
                searchFrom = next.byte + 1
            }
        }
        try output.finishSamples()
        try loss.tell(rate: rate, to: &output)
        return outcome.sawOpposite
    }

    private struct Outcome {
        var sawOpposite = false
        var frames: Int64 = 0
    }

    /// What could not be decoded in the middle of a recording.
    private struct Loss {
        var count = 0
        private var frames: Int64 = 0
        private var first: Int64 = 0
        /// Those that a person would miss: a second or more.
        private var long: [Range<Int64>] = []

        mutating func add(from start: Int64, to end: Int64, rate: Int) {
            if count == 0 { first = start }
            count += 1
            frames += end - start
            if end - start >= rate { long.append(start..<end) }
        }

        func tell(rate: Int, to output: inout DecoderOutput) throws {
            guard count > 0 else { return }
            for frames in long {
                let (start, end) = (Double(frames.lowerBound), Double(frames.upperBound))
                try output.send(
                    .loss(
                        SampleRange(
                            SampleClock.samples(seconds: start / Double(rate)),
                            SampleClock.samples(seconds: end / Double(rate)))))
            }
            let tenths = max(1, frames * 10 / Int64(rate))
            try output.send(
                .warning(
                    "The file is damaged, first at \(SpokenTime.clock(Double(first) / Double(rate))): "
                        + "\(tenths / 10).\(tenths % 10) seconds could not be decoded and count as silence."))
        }
    }

    /// Everything up to the end or to the first damage; the resampler keeps its state.
    private static func decode(_ sound: borrowing SoundFile, to output: inout DecoderOutput) throws -> Outcome {
        let input = UnsafeMutableBufferPointer<Float>.allocate(capacity: Downmixer.blockFrames * sound.channels)
        let mono = UnsafeMutableBufferPointer<Float>.allocate(capacity: Downmixer.blockFrames)
        defer {
            input.deallocate()
            mono.deallocate()
        }
        var mixer = Downmixer(channels: sound.channels)
        var outcome = Outcome()
        while true {
            let frames = sound.read(into: input)
            guard frames > 0 else {
                try Interruption.check(sound.source)
                break
            }
            mixer.mix(UnsafeBufferPointer(rebasing: input[..<(frames * sound.channels)]), into: mono)
            try output.write(UnsafeBufferPointer(rebasing: mono[..<frames]), rate: sound.sampleRate)
            outcome.frames += Int64(frames)
        }
        outcome.sawOpposite = mixer.sawOppositeChannels
        return outcome
    }
}
