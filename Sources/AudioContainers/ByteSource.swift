import Glibc
import Synchronization

/// Bytes that can be read at any place: a recording's file, or an array in a test.
package protocol ByteSource {
    /// Number of bytes.
    var size: Int64 { get }
    /// Up to `count` bytes from `offset`; fewer at the end, none behind it or where reading fails.
    func bytes(at offset: Int64, count: Int) -> [UInt8]
}

extension ByteSource {
    /// A big- or little-endian number of `count` bytes at `offset`; nil where the source ends before.
    package func number(at offset: Int64, count: Int, bigEndian: Bool) -> UInt64? {
        let bytes = bytes(at: offset, count: count)
        guard bytes.count == count else { return nil }
        return bytes.number(at: 0, count: count, bigEndian: bigEndian)
    }

    /// The four characters at `offset`; empty where the source ends before.
    package func tag(at offset: Int64) -> [UInt8] {
        let bytes = bytes(at: offset, count: 4)
        return bytes.count == 4 ? bytes : []
    }
}

extension [UInt8] {
    /// True when the bytes from `offset` on are those of `text`.
    package func has(_ text: StaticString, at offset: Int = 0) -> Bool {
        guard offset >= 0, offset + text.utf8CodeUnitCount <= count else { return false }
        return text.withUTF8Buffer { wanted in wanted.indices.allSatisfy { wanted[$0] == self[offset + $0] } }
    }

    /// A number of `count` bytes; zero where the array ends before.
    package func number(at offset: Int, count: Int, bigEndian: Bool) -> UInt64 {
        guard offset >= 0, offset + count <= self.count else { return 0 }
        var value: UInt64 = 0
        for i in 0..<count { value = value << 8 | UInt64(self[offset + (bigEndian ? i : count - 1 - i)]) }
        return value
    }
}

/// Keeps the first error of reading, for all copies of a `FileBytes`.
private final class ReadFault: Sendable {
    private let first = Atomic<CInt>(0)

    var errno: CInt? {
        let value = first.load(ordering: .relaxed)
        return value == 0 ? nil : value
    }

    func note(_ errno: CInt) { _ = first.compareExchange(expected: 0, desired: errno, ordering: .relaxed) }
}

/// Bytes of a recording that is open.
package protocol RecordingBytes: ByteSource {
    /// Reads into memory of the caller; the number of bytes read, 0 at the end or on an error.
    func read(at offset: Int64, into buffer: UnsafeMutableRawPointer, count: Int) -> Int
    /// Of the first read that failed; nil: none did.
    var readError: CInt? { get }
}

/// A file read with pread(2), so that the descriptor's shared position does not matter.
package struct FileBytes: RecordingBytes {
    /// Borrowed; its owner closes it.
    package let descriptor: CInt
    /// In bytes; zero where it is not known.
    package let size: Int64
    private let fault = ReadFault()

    /// Of the first read that failed, of whatever copy of this value; nil: none did. What was read then looks like the end.
    package var readError: CInt? { fault.errno }

    /// Takes the size from fstat(2); zero where that fails.
    package init(descriptor: CInt) {
        self.descriptor = descriptor
        var st = stat()
        size = fstat(descriptor, &st) == 0 ? Int64(st.st_size) : 0
    }

    /// Reads into memory of the caller; the number of bytes read, 0 at the end or on an error.
    package func read(at offset: Int64, into buffer: UnsafeMutableRawPointer, count: Int) -> Int {
        guard offset >= 0 else { return 0 }
        var done = 0
        while done < count {
            let got = pread(descriptor, buffer + done, count - done, off_t(offset) + off_t(done))
            if got < 0, errno == EINTR { continue }
            if got < 0 { fault.note(errno) }
            guard got > 0 else { break }
            done += got
        }
        return done
    }

    /// Fewer at the end, none where it cannot be read. Blocks.
    package func bytes(at offset: Int64, count: Int) -> [UInt8] {
        guard count > 0, offset >= 0, offset < size else { return [] }
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = buffer.baseAddress.map { read(at: offset, into: UnsafeMutableRawPointer($0), count: count) } ?? 0
        }
    }
}
