import AudioContainers

/// Reads the AU stream of 32-bit floats (big endian) that ffmpeg writes, mixes it down and passes it on.
struct AUStream: ~Copyable {
    private(set) var sampleRate = 0
    private(set) var channels = 0
    /// Frames of samples that came, without those that were put in between.
    private(set) var frameCount: Int64 = 0
    /// Where nothing but zeros came, for a second and more: what ffmpeg puts in place of packets that are missing.
    private(set) var zeros: [Range<Int64>] = []
    private var zeroCount: Int64 = 0
    /// Silence that is to be put in between, at these seconds of what comes.
    private var insertions: [ADTSDamage.Hole]
    /// Silence that was put in between.
    private(set) var inserted: [ADTSDamage.Hole] = []
    /// More pieces are not put in.
    private static let maximumInsertions = 100_000
    private var pending: [UInt8] = []
    private var headerBytes = 0
    private var mixer: Downmixer?
    private let input = UnsafeMutableBufferPointer<Float>.allocate(capacity: Downmixer.blockFrames * 64)
    private let mono = UnsafeMutableBufferPointer<Float>.allocate(capacity: Downmixer.blockFrames)

    init(insertions: [ADTSDamage.Hole] = []) { self.insertions = insertions }

    deinit {
        input.deallocate()
        mono.deallocate()
    }

    /// Silence is to be put in, at a place that has not come yet.
    mutating func insert(_ hole: ADTSDamage.Hole) {
        guard insertions.count + inserted.count < Self.maximumInsertions else { return }
        let next = insertions.lastIndex { $0.place <= hole.place }.map { $0 + 1 } ?? 0
        insertions.insert(hole, at: next)
    }

    /// Whole frames have come that were not passed on.
    var hasPending: Bool { channels > 0 && pending.count >= channels * 4 }
    var sawOppositeChannels: Bool { mixer?.sawOppositeChannels ?? false }

    /// True once the header has come.
    /// - Throws: `DecodingFailure` when it is not what we asked for.
    mutating func append(_ bytes: UnsafeRawBufferPointer) throws(DecodingFailure) -> Bool {
        pending.append(contentsOf: bytes)
        guard headerBytes == 0 else { return true }
        guard pending.count >= 24 else { return false }
        headerBytes = Int(pending.number(at: 4, count: 4, bigEndian: true))
        sampleRate = Int(pending.number(at: 16, count: 4, bigEndian: true))
        channels = Int(pending.number(at: 20, count: 4, bigEndian: true))
        guard pending.has(".snd"), (24...65_536).contains(headerBytes),
            pending.number(at: 12, count: 4, bigEndian: true) == 6
        else {
            throw DecodingFailure(
                .undecodable, "cannot be decoded with the ffmpeg that is installed: what it sends is no sound.")
        }
        guard (1...64).contains(channels), SampleRates.usable.contains(sampleRate) else {
            throw DecodingFailure.impossible(channels: channels, rate: sampleRate)
        }
        guard pending.count >= headerBytes else {
            headerBytes = 0
            return false
        }
        pending.removeFirst(headerBytes)
        return true
    }

    /// Says, once the header has come, how channels become one.
    /// - Parameter centre: as `Downmixer` takes it.
    mutating func mix(centre: Int?, _ level: LevelControl) {
        mixer = Downmixer(channels: channels, centre: centre, level: level)
    }

    /// Passes whole blocks on.
    mutating func drain(to output: inout DecoderOutput) throws {
        let blockBytes = Downmixer.blockFrames * channels * 4
        var at = 0
        while pending.count - at >= blockBytes {
            try pass(from: at, frames: Downmixer.blockFrames, to: &output)
            at += blockBytes
        }
        if at > 0 { pending.removeFirst(at) }
    }

    /// Passes on what is left at the end.
    mutating func finish(to output: inout DecoderOutput) throws {
        if channels > 0 {
            try drain(to: &output)
            try pass(from: 0, frames: pending.count / (channels * 4), to: &output)
            pending = []
        }
        try output.finishSamples()
    }

    private mutating func pass(from start: Int, frames: Int, to output: inout DecoderOutput) throws {
        let samples = frames * channels
        guard samples > 0 else { return }
        pending.withUnsafeBytes { bytes in
            for i in 0..<samples {
                let bits = bytes.loadUnaligned(fromByteOffset: start + 4 * i, as: UInt32.self)
                input[i] = Float(bitPattern: UInt32(bigEndian: bits))
            }
        }
        mixer?.mix(UnsafeBufferPointer(rebasing: input[..<samples]), into: mono)
        for i in 0..<frames {
            if mono[i] == 0 {
                zeroCount += 1
            } else if zeroCount > 0 {
                noteZeros(before: frameCount + Int64(i))
            }
        }
        var done = 0
        while let next = insertions.first, case let place = Int64((next.place * Double(sampleRate)).rounded()),
            place < frameCount + Int64(frames)
        {
            let count = max(done, Int(place - frameCount))
            try output.write(UnsafeBufferPointer(rebasing: mono[done..<count]), rate: sampleRate)
            try output.writeSilence(frames: Int64(next.length * Double(sampleRate)), rate: sampleRate)
            done = count
            inserted.append(insertions.removeFirst())
        }
        frameCount += Int64(frames)
        try output.write(UnsafeBufferPointer(rebasing: mono[done..<frames]), rate: sampleRate)
    }

    private mutating func noteZeros(before end: Int64) {
        if zeroCount >= sampleRate, zeros.count < 1000 { zeros.append((end - zeroCount)..<end) }
        zeroCount = 0
    }
}
