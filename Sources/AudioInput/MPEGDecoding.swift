import AudioContainers
import Transcription

/// Decodes MPEG audio with libmpg123 and goes on behind whatever is no audio; sound that stood there is silence.
struct MPEGDecoding {
    private static let blockBytes = 64 << 10

    private let file: FileBytes
    private let scan: MPEGScan
    /// Looked for when a hole is met.
    private var damage: MPEGDamage?
    private var loss = Loss()
    /// Written, silence included.
    private var seconds = 0.0
    /// Where something stands between frames first that may or may not have been sound.
    private var unclear: Double?
    /// Bytes between frames that were no audio.
    private var skipped: Int64 = 0

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
            estimated: scan.estimatedSamples.map { Double($0) / Double(rate) }, declared: declared,
            trust: isCutOff(scan, file) ? .confirmed : .alone)
        let isOpposite = try scan.header.channels == 2 && channelsAreOpposite(file, from: start)
        var decoding = MPEGDecoding(file, scan)
        try decoding.decodeAll(from: start, mix: isOpposite ? .left : .mean, to: &output)
        if isOpposite {
            try output.send(
                .warning("The left and the right channel cancel each other out; only the left was used."))
        }
        try decoding.tell(to: &output)
    }

    /// The header declares more bytes than there are.
    private static func isCutOff(_ scan: MPEGScan, _ file: FileBytes) -> Bool {
        scan.declaredBytes.map { scan.start + $0 > file.size + Int64(4 * scan.header.frameBytes) } ?? false
    }

    private init(_ file: FileBytes, _ scan: MPEGScan) {
        self.file = file
        self.scan = scan
    }

    private func tell(to output: inout DecoderOutput) throws {
        try loss.tell(damage?.isEstimated == true ? Loss.estimate : "", to: &output)
        if let unclear {
            try output.send(
                .warning(
                    "The file is damaged at \(TimeText.clock(seconds: unclear)): sound may be missing there, and then the times "
                        + "behind it are too early."))
        } else if loss.isEmpty, skipped > max(4096, (file.size - scan.start) / 200) {
            try output.send(.warning("The file is damaged: \(skipped) bytes of it are no audio and were skipped."))
        }
    }

    private mutating func decodeAll(
        from start: Int64, mix: MPEGStream.Mix, to output: inout DecoderOutput
    ) throws {
        var stream = try MPEGStream(mix)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.blockBytes, alignment: 64)
        defer { buffer.deallocate() }
        var base = start
        var position = start
        var lastEnd = start
        while true {
            switch stream.step() {
            case .samples(let samples, let rate, let offset, let byteCount):
                let at = base + offset
                if at > lastEnd + 4, lastEnd > start {
                    if let end = findDamage().end(ofHoleAt: at) {
                        // Noise may look like a frame.
                        (base, position) = (end, end)
                        stream.restart()
                        continue
                    }
                    try fill(from: lastEnd, to: at, rate: rate, &output)
                }
                lastEnd = max(lastEnd, at + byteCount)
                try output.write(samples, rate: rate)
                seconds += Double(samples.count) / Double(rate)
                continue
            case .needsMore:
                let count = buffer.baseAddress.map { file.read(at: position, into: $0, count: Self.blockBytes) } ?? 0
                position += Int64(count)
                if count > 0, stream.feed(UnsafeRawBufferPointer(rebasing: buffer[..<count])) { continue }
                return try finish(behind: lastEnd, to: &output)
            case .lost:
                let from = max(lastEnd, base + 1)
                guard let next = MPEGScan(file, from: from, limit: file.size, needed: 3) else {
                    return try finish(behind: lastEnd, to: &output)
                }
                base = next.start
                position = base
                stream.restart()
            }
        }
    }

    private mutating func finish(behind end: Int64, to output: inout DecoderOutput) throws {
        try Interruption.check(file)
        try output.finishSamples()
        let isWhole = damage == nil && MPEGDamage.behindTags(file, at: end) >= file.size
        if isWhole, scan.declaredBytes ?? 0 > 0, !Self.isCutOff(scan, file) { output.doubtDeclared() }
        if endsWithinFrame(end) {
            try output.send(
                .warning("The file ends in the middle of a piece of sound: the rest of it may be missing."))
        } else if scan.declaredFrames == nil {
            skipped += max(0, file.size - MPEGDamage.behindTags(file, at: end))
        }
    }

    private mutating func findDamage() -> MPEGDamage {
        let found = damage ?? MPEGDamage(file, of: scan)
        damage = found
        return found
    }

    /// Silence in place of the frames that are missing between the end of the last one and the next.
    private mutating func fill(from end: Int64, to next: Int64, rate: Int, _ output: inout DecoderOutput) throws {
        if !file.tag(at: end).has("ID3") { skipped += next - end }
        let damage = findDamage()
        let samples = damage.frames(between: end, and: next, in: file) * Int64(scan.header.frameSamples)
        guard samples > 0 else {
            unclear = unclear ?? (damage.isUnclear ? seconds : nil)
            return
        }
        let length = Double(samples) / Double(rate)
        guard seconds + length < Loss.maximumRecording else { return }
        loss.add(from: seconds, to: seconds + length)
        seconds += length
        try output.writeSilence(frames: samples, rate: rate)
    }

    /// Whether a frame begins where the last whole one ended and does not end before the file does.
    private func endsWithinFrame(_ end: Int64) -> Bool {
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
