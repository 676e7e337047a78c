import AudioContainers

/// The first pass over a recording with more than 16 bits, for its level. What libsndfile and libFLAC read is read twice;
/// integers only up to the first loud moment.
enum LevelPass {
    /// By how much the recording is made louder before it becomes 16 bit, in dB; 0: it stays as it is.
    /// - Throws: `Interruption`. What is wrong with the file is told by the pass that follows.
    static func gainDecibels(_ format: AudioFormat, of file: FileBytes) throws -> Int {
        let depth = depth(format, of: file)
        guard depth != .plain else { return 0 }
        let meter = LevelMeter(isBounded: depth == .integer)
        var output = DecoderOutput(measuring: meter)
        do {
            try LibraryDecoding.decode(format, of: file, to: &output)
        } catch is LevelMeter.Decided {
        } catch is DecodingFailure {}
        try Interruption.check(file)
        return meter.gainDecibels
    }

    private static func depth(_ format: AudioFormat, of file: FileBytes) -> SampleDepth {
        switch format.decoder {
        case .wave(let header):
            sound(VirtualFile(file, prefix: header.cleanHeader(), start: header.dataStart, length: header.dataBytes))
        case .sndfile(let start): sound(VirtualFile(file, start: start, length: file.size - start))
        case .flac(let start):
            // STREAMINFO: five bits, of which 1 is left out, behind the rate and the channels.
            (file.number(at: start + 18, count: 8, bigEndian: true) ?? 0) >> 36 & 31 >= 16 ? .integer : .plain
        case .mpg123, .ogg, .oggFLAC, .raw, .ffmpeg: .plain
        }
    }

    private static func sound(_ file: VirtualFile) -> SampleDepth {
        guard let sound = try? SoundFile(file) else { return .plain }
        return sound.depth
    }
}
