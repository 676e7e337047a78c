import Glibc
import Transcription

/// The decoder process's side of the pipe: resamples, packs, writes. Blocks while the parent has enough.
struct DecoderOutput: ~Copyable {
    /// The parent does not read any more: nothing to do but to end.
    struct Closed: Error {}

    /// Samples written, at 16 kHz.
    private(set) var sampleCount: Int64 = 0
    private let descriptor: CInt
    private var resampler: Resampler?
    private var rate = 0
    private let gathered: UnsafeMutableBufferPointer<Float>
    private var gatheredCount = 0
    private let packet: UnsafeMutableRawBufferPointer
    private var packetCount = DecoderMessage.headerBytes

    init(descriptor: CInt) {
        self.descriptor = descriptor
        gathered = .allocate(capacity: Downmixer.blockFrames)
        packet = .allocate(byteCount: DecoderMessage.headerBytes + DecoderMessage.samplesBytes, alignment: 16)
    }

    deinit {
        gathered.deallocate()
        packet.deallocate()
    }

    /// Seconds written so far.
    var seconds: Double { SampleClock.seconds(sampleCount) }

    /// - Throws: `Closed`.
    mutating func send(_ message: DecoderMessage) throws {
        try flushPacket()
        let bytes = message.encoded
        try bytes.withUnsafeBytes { try write($0) }
    }

    /// Mono samples; full scale is 1. Another rate than before ends one resampler and begins another.
    /// - Throws: `Closed`, `DecodingFailure`.
    mutating func write(_ samples: UnsafeBufferPointer<Float>, rate: Int) throws {
        if rate != self.rate {
            try finishSamples()
            resampler = try Resampler(rate: rate)
            self.rate = rate
        }
        var done = 0
        while done < samples.count {
            let count = min(samples.count - done, gathered.count - gatheredCount)
            _ = UnsafeMutableBufferPointer(rebasing: gathered[gatheredCount...]).update(
                fromContentsOf: UnsafeBufferPointer(rebasing: samples[done..<done + count]))
            done += count
            gatheredCount += count
            if gatheredCount == gathered.count { try convert() }
        }
    }

    /// Digital silence in place of what could not be decoded.
    mutating func writeSilence(frames: Int64, rate: Int) throws {
        let silence = UnsafeMutableBufferPointer<Float>.allocate(capacity: 4096)
        silence.initialize(repeating: 0)
        defer { silence.deallocate() }
        var left = frames
        while left > 0 {
            let count = Int(min(left, 4096))
            try write(UnsafeBufferPointer(rebasing: silence[..<count]), rate: rate)
            left -= Int64(count)
        }
    }

    /// Everything that is still inside goes out.
    mutating func finishSamples() throws {
        try convert()
        guard var last = resampler.take() else { return }
        try last.finish { try append($0) }
        rate = 0
    }

    private mutating func convert() throws {
        guard gatheredCount > 0, var current = resampler.take() else { return }
        let input = UnsafeBufferPointer(rebasing: gathered[..<gatheredCount])
        gatheredCount = 0
        try current.process(input) { try append($0) }
        resampler = consume current
    }

    private mutating func append(_ samples: UnsafeBufferPointer<Int16>) throws {
        sampleCount += Int64(samples.count)
        var bytes = UnsafeRawBufferPointer(samples)
        while !bytes.isEmpty {
            let count = min(bytes.count, packet.count - packetCount)
            UnsafeMutableRawBufferPointer(rebasing: packet[packetCount...]).copyMemory(
                from: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
            packetCount += count
            bytes = UnsafeRawBufferPointer(rebasing: bytes[count...])
            if packetCount == packet.count { try flushPacket() }
        }
    }

    private mutating func flushPacket() throws {
        let count = packetCount - DecoderMessage.headerBytes
        guard count > 0 else { return }
        packet.copyBytes(from: DecoderMessage.header(.samples, count: count))
        packetCount = DecoderMessage.headerBytes
        try write(UnsafeRawBufferPointer(rebasing: packet[..<(count + DecoderMessage.headerBytes)]))
    }

    private func write(_ bytes: UnsafeRawBufferPointer) throws {
        var done = 0
        while done < bytes.count {
            let count = Glibc.write(descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Closed() }
            done += count
        }
    }
}
