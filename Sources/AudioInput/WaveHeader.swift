package import AudioContainers

/// What a RIFF, RIFX or RF64 file says of its sound, read by ourselves: libsndfile clamps the sizes, so that a truncated
/// file looks whole to it, and gives up on files that a recorder did not finish.
package struct WaveHeader: Equatable, Sendable {
    package let bigEndian: Bool
    /// The `fmt ` chunk's contents.
    package let format: [UInt8]
    /// Where the samples begin and how many bytes of them are in the file.
    package let dataStart: Int64
    package let dataBytes: Int64
    /// What the header says; nil where it leaves that open.
    package let declaredBytes: Int64?
    /// What else there is to that.
    package let trust: DeclaredTrust
    /// What is behind that.
    package let tail: SoundTail

    package var tag: Int { Int(format.number(at: 0, count: 2, bigEndian: bigEndian)) }
    package var channels: Int { Int(format.number(at: 2, count: 2, bigEndian: bigEndian)) }
    package var sampleRate: Int { Int(format.number(at: 4, count: 4, bigEndian: bigEndian)) }
    private var blockAlign: Int { Int(format.number(at: 12, count: 2, bigEndian: bigEndian)) }
    private var bits: Int { Int(format.number(at: 14, count: 2, bigEndian: bigEndian)) }
    /// The format tag, looked up in the extension where there is one.
    package var codec: Int { tag == 0xFFFE ? Int(format.number(at: 24, count: 2, bigEndian: bigEndian)) : tag }

    /// Nil when `start` holds no RIFF file at all.
    /// - Throws: `DecodingFailure` for a RIFF file without usable sound.
    package init?(_ source: some ByteSource, at start: Int64) throws(DecodingFailure) {
        guard let layout = WaveLayout(source, at: start) else { return nil }
        guard let sound = layout.sound else {
            throw DecodingFailure(
                .notARecording,
                layout.format.isEmpty
                    ? "has a damaged WAV header." : "is a WAV file without sound: it has no 'data' chunk.")
        }
        bigEndian = layout.isBigEndian
        format = layout.format
        dataStart = sound.start
        declaredBytes = sound.declaredBytes
        trust = layout.trust(in: source)
        tail = layout.tail(in: source)
        let end =
            if case .sound(let end) = tail {
                end
            } else if let declaredBytes {
                min(source.size, dataStart &+ declaredBytes)
            } else {
                layout.end(in: source)
            }
        dataBytes = max(0, end - dataStart)
        try check()
    }

    private func check() throws(DecodingFailure) {
        guard format.count >= 14 else { throw DecodingFailure(.notARecording, "has a damaged WAV header.") }
        guard channels > 0, channels <= 256 else {
            throw DecodingFailure(.notARecording, "has a damaged WAV header: it declares \(channels) channels.")
        }
        guard SampleRates.usable.contains(sampleRate) else {
            throw DecodingFailure(
                .notARecording, "has a damaged WAV header: it declares a sample rate of \(sampleRate) Hz.")
        }
        guard dataBytes > 0 else {
            throw DecodingFailure(.notARecording, "holds no audio: the header is all there is.")
        }
    }

    /// How long the sound is by the header.
    /// - Parameter seconds: of what is there.
    package func declaredSeconds(_ seconds: Double) -> Double {
        guard !tail.isSound, let declaredBytes, declaredBytes != dataBytes else { return seconds }
        // Behind the size of a block, ADPCM and GSM have the samples in it; a part of a block counts as one to decoders.
        let samples = Int64(format.number(at: 18, count: 2, bigEndian: bigEndian))
        if [0x02, 0x11, 0x31].contains(tag), samples > 0, blockAlign > 0 {
            return Double(declaredBytes / Int64(blockAlign) * samples) / Double(sampleRate)
        }
        return seconds * Double(declaredBytes) / Double(max(1, dataBytes))
    }

    /// A sound header in front of exactly the samples that are there, for libsndfile: RF64 from 4 GiB on.
    package func cleanHeader() -> [UInt8] {
        var format = format
        if codec == 1 || codec == 3, blockAlign == 0 {
            let align = channels * ((bits + 7) / 8)
            format[12 + (bigEndian ? 1 : 0)] = UInt8(truncatingIfNeeded: align)
            format[12 + (bigEndian ? 0 : 1)] = UInt8(truncatingIfNeeded: align >> 8)
        }
        if format.count % 2 == 1 { format.append(0) }
        var out: [UInt8] = []
        func append(_ value: UInt64, _ count: Int) {
            for i in 0..<count {
                out.append(UInt8(truncatingIfNeeded: value >> (8 * UInt64(bigEndian ? count - 1 - i : i))))
            }
        }
        let wide = dataBytes > 0xFFFF_0000 && !bigEndian
        let total = UInt64(4 + 8 + format.count + 8) + UInt64(dataBytes)
        out += Array((bigEndian ? "RIFX" : wide ? "RF64" : "RIFF").utf8)
        append(wide ? 0xFFFF_FFFF : min(total, 0xFFFF_FFFE), 4)
        out += Array("WAVE".utf8)
        if wide {
            out += Array("ds64".utf8)
            append(28, 4)
            append(total + 36, 8)
            append(UInt64(dataBytes), 8)
            append(0, 8)
            append(0, 4)
        }
        out += Array("fmt ".utf8)
        append(UInt64(format.count), 4)
        out += format
        out += Array("data".utf8)
        append(wide ? 0xFFFF_FFFF : min(UInt64(dataBytes), 0xFFFF_FFFE), 4)
        return out
    }
}

/// Sample rates that are believed.
package enum SampleRates {
    package static let usable = 1_000...1_536_000
}
