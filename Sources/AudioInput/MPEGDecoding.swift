import AudioContainers
import Transcription

/// Decodes MPEG audio with libmpg123 and goes on behind whatever is no audio.
enum MPEGDecoding {
    private static let blockBytes = 64 << 10

    /// - Parameter start: the place of the first frame.
    /// - Throws: `DecodingFailure`, `DecoderOutput.Closed`.
    static func decode(_ format: AudioFormat, of file: FileBytes, from start: Int64, to output: inout DecoderOutput)
        throws
    {
        guard let scan = MPEGScan(file, from: start, limit: 1, needed: 1) else {
            throw DecodingFailure(.undecodable, "is damaged: its MPEG audio cannot be decoded.")
        }
        let rate = scan.header.sampleRate
        let declared = scan.declaredFrames.map { Double($0 * Int64(scan.header.frameSamples)) / Double(rate) }
        try output.announce(
            format.name, rate: rate, channels: scan.header.channels,
            estimated: scan.estimatedSamples.map { Double($0) / Double(rate) }, declared: declared)
        let isOpposite = try scan.header.channels == 2 && channelsAreOpposite(file, from: start)
        let skipped = try decodeAll(file, from: start, mix: isOpposite ? .left : .mean, to: &output)
        if isOpposite {
            try output.send(
                .warning("The left and the right channel cancel each other out; only the left was used."))
        }
        if skipped > max(4096, (file.size - start) / 200) {
            try output.send(
                .warning("The file is damaged: \(skipped) bytes of it are no audio and were skipped."))
        }
    }

    /// - Returns: how many bytes between frames were no audio.
    private static func decodeAll(
        _ file: FileBytes, from start: Int64, mix: MPEGStream.Mix, to output: inout DecoderOutput
    ) throws -> Int64 {
        var stream = try MPEGStream(mix)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: blockBytes, alignment: 64)
        defer { buffer.deallocate() }
        var base = start
        var position = start
        var lastEnd = start
        var skipped: Int64 = 0
        while true {
            switch stream.step() {
            case .samples(let samples, let rate, let offset, let byteCount):
                let at = base + offset
                if at > lastEnd + 4, !file.tag(at: lastEnd).has("ID3") { skipped += at - lastEnd }
                lastEnd = max(lastEnd, at + byteCount)
                try output.write(samples, rate: rate)
                continue
            case .needsMore:
                let count = buffer.baseAddress.map { file.read(at: position, into: $0, count: blockBytes) } ?? 0
                position += Int64(count)
                if count > 0, stream.feed(UnsafeRawBufferPointer(rebasing: buffer[..<count])) { continue }
                try Interruption.check(file)
                try output.finishSamples()
                if endsWithinFrame(file, lastEnd) {
                    try output.send(
                        .warning("The file ends in the middle of a piece of sound: the rest of it may be missing."))
                }
                return skipped
            case .lost:
                let from = max(lastEnd, base + 1)
                guard let next = MPEGScan(file, from: from, limit: file.size, needed: 3) else {
                    try Interruption.check(file)
                    try output.finishSamples()
                    return skipped
                }
                skipped += next.start - from
                base = next.start
                position = base
                lastEnd = base
                stream.restart()
            }
        }
    }

    /// Whether a frame begins where the last whole one ended and does not end before the file does.
    private static func endsWithinFrame(_ file: FileBytes, _ end: Int64) -> Bool {
        guard file.size - end >= 4, let header = MPEGHeader(file.bytes(at: end, count: 4), at: 0) else { return false }
        return header.frameBytes > 0 && end + Int64(header.frameBytes) > file.size
    }

    /// Listens to the beginning in stereo: the mix happens inside the library later, where cancelling goes unseen.
    private static func channelsAreOpposite(_ file: FileBytes, from start: Int64) throws -> Bool {
        var stream = try MPEGStream(.apart)
        var position = start
        var mixed: Float = 0
        var apart: Float = 0
        var frames = 0
        // Half a minute in which something is heard, or two minutes of silence.
        while true {
            switch stream.step() {
            case .samples(let samples, let rate, _, _):
                for i in 0..<(samples.count / 2) {
                    let mean = (samples[2 * i] + samples[2 * i + 1]) * 0.5
                    mixed += mean * mean
                    apart += samples[2 * i] * samples[2 * i] + samples[2 * i + 1] * samples[2 * i + 1]
                }
                frames += samples.count / 2
                let isHeard = apart > Float(frames) * 5e-7
                if frames > rate * (isHeard ? 20 : 120) { break }
                continue
            case .needsMore:
                let bytes = file.bytes(at: position, count: blockBytes)
                position += Int64(bytes.count)
                if !bytes.isEmpty, bytes.withUnsafeBytes({ stream.feed($0) }) { continue }
            case .lost: break
            }
            return StereoImage(mixed: mixed, apart: apart, frames: frames).isOpposite
        }
    }
}
