import Glibc
import Synchronization
import SystemPackage
import SystemSupport
import Transcription

/// Resamples, packs and writes the decoder's samples on a thread of its own, while the decoder fills the next block: the
/// two cost about as much, so that a recording is decoded on two processors.
///
/// The decoder fills the blocks in turn and the thread empties them in turn; `free` and `filled` count them, and are what
/// orders the memory between the two. Everything but `nextBlock` and `handOver` works while the thread is at rest.
final class SampleWriter: @unchecked Sendable {
    // @unchecked: what is not atomic belongs to the thread from `filled` to `free` and to the decoder otherwise.

    /// Together 4 MiB: the decoder goes on while the parent cuts a chunk.
    private static let blockCount = 16
    /// A second and a half at 44.1 kHz: handing over costs more than a copy.
    private static let blockFrames = 4 * Downmixer.blockFrames

    private let descriptor: CInt
    private let blocks: [UnsafeMutableBufferPointer<Float>]
    private var counts: [Int]
    private let free = ThreadSignal()
    private let filled = ThreadSignal()
    private let isClosed = Atomic(false)
    private let isDismissed = Atomic(false)
    private var nextFilled = 0
    private var resampler: Resampler?
    private var written: Int64 = 0
    private let packet: UnsafeMutableRawBufferPointer
    private var packetCount = DecoderMessage.headerBytes

    /// - Parameter descriptor: the pipe; stays the caller's.
    init(descriptor: CInt) {
        self.descriptor = descriptor
        blocks = (0..<Self.blockCount).map { _ in .allocate(capacity: Self.blockFrames) }
        counts = [Int](repeating: 0, count: Self.blockCount)
        packet = .allocate(byteCount: DecoderMessage.headerBytes + DecoderMessage.samplesBytes, alignment: 16)
        for _ in blocks { free.signal() }
    }

    deinit {
        for block in blocks { block.deallocate() }
        packet.deallocate()
    }

    /// Starts the thread, which inherits what confines the caller: so not before the process is confined.
    func start() {
        Thread.start(name: "samples") { [self] in
            var turn = 0
            while true {
                filled.wait()
                if isDismissed.load(ordering: .acquiring) { return }
                convert(UnsafeBufferPointer(rebasing: blocks[turn][..<counts[turn]]))
                turn = (turn + 1) % blocks.count
                free.signal()
            }
        }
    }

    /// Ends the thread; the writer is not used again.
    func dismiss() {
        isDismissed.store(true, ordering: .releasing)
        filled.signal()
    }

    /// Waits for an empty block, which stays the writer's.
    func nextBlock() -> UnsafeMutableBufferPointer<Float> {
        free.wait()
        return blocks[nextFilled]
    }

    /// Gives the block of `nextBlock` to the thread.
    /// - Throws: `Closed` when an earlier block could not be written.
    func handOver(count: Int) throws(DecoderOutput.Closed) {
        counts[nextFilled] = count
        nextFilled = (nextFilled + 1) % blocks.count
        filled.signal()
        if isClosed.load(ordering: .relaxed) { throw DecoderOutput.Closed() }
    }

    /// Samples written, at 16 kHz.
    var sampleCount: Int64 {
        atRest { written }
    }

    /// What is written from here on has this rate; what the resampler of the rate before still holds goes out.
    /// - Throws: `Closed`, `DecodingFailure`.
    func begin(rate: Int) throws {
        try finishSamples()
        try atRest { resampler = try Resampler(rate: rate) }
    }

    /// - Throws: `Closed`.
    func finishSamples() throws {
        try atRest {
            guard var last = resampler.take() else { return }
            try last.finish { try append($0) }
        }
    }

    /// - Throws: `Closed`.
    func send(_ message: DecoderMessage) throws {
        try atRest {
            try flushPacket()
            let bytes = message.encoded
            try bytes.withUnsafeBytes { try write($0) }
        }
    }

    /// Runs `body` while the thread has nothing to do.
    private func atRest<Value>(_ body: () throws -> Value) rethrows -> Value {
        for _ in blocks { free.wait() }
        defer { for _ in blocks { free.signal() } }
        return try body()
    }

    private func convert(_ input: UnsafeBufferPointer<Float>) {
        guard !isClosed.load(ordering: .relaxed), var current = resampler.take() else { return }
        do {
            try current.process(input) { try append($0) }
        } catch {
            isClosed.store(true, ordering: .relaxed)
        }
        resampler = consume current
    }

    private func append(_ samples: UnsafeBufferPointer<Int16>) throws {
        written += Int64(samples.count)
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

    private func flushPacket() throws {
        let count = packetCount - DecoderMessage.headerBytes
        guard count > 0 else { return }
        packet.copyBytes(from: DecoderMessage.header(.samples, count: count))
        packetCount = DecoderMessage.headerBytes
        try write(UnsafeRawBufferPointer(rebasing: packet[..<(count + DecoderMessage.headerBytes)]))
    }

    private func write(_ bytes: UnsafeRawBufferPointer) throws {
        do {
            try FileDescriptor(rawValue: descriptor).writeAll(bytes)
        } catch {
            throw DecoderOutput.Closed()
        }
    }
}
