import Glibc

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

/// A file read with pread(2), so that the descriptor's shared position does not matter.
package struct FileBytes: ByteSource {
    package let descriptor: CInt
    package let size: Int64

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
            guard got > 0 else { break }
            done += got
        }
        return done
    }

    package func bytes(at offset: Int64, count: Int) -> [UInt8] {
        guard count > 0, offset >= 0, offset < size else { return [] }
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = buffer.baseAddress.map { read(at: offset, into: UnsafeMutableRawPointer($0), count: count) } ?? 0
        }
    }
}

/// A file as a C library is to see it: a made-up beginning, then a stretch of the real one.
package final class VirtualFile {
    private let file: FileBytes
    private let prefix: [UInt8]
    private let start: Int64
    private let length: Int64
    private var position: Int64 = 0

    /// - Parameters:
    ///   - prefix: stands in front of the stretch.
    ///   - start: where the stretch begins in `file`.
    ///   - length: of the stretch; cut to the file's end.
    package init(_ file: FileBytes, prefix: [UInt8] = [], start: Int64, length: Int64) {
        self.file = file
        self.prefix = prefix
        self.start = start
        self.length = max(0, min(length, file.size - start))
    }

    package var count: Int64 { Int64(prefix.count) + length }
    package var offset: Int64 { position }

    package func seek(to offset: Int64, whence: CInt) -> Int64 {
        switch whence {
        case SEEK_SET: position = offset
        case SEEK_CUR: position &+= offset
        default: position = count &+ offset
        }
        position = min(max(0, position), count)
        return position
    }

    package func read(into buffer: UnsafeMutableRawPointer, count wanted: Int) -> Int {
        var done = 0
        if position < Int64(prefix.count) {
            let from = Int(position)
            done = min(max(0, wanted), prefix.count - from)
            prefix.withUnsafeBytes { bytes in
                if let base = bytes.baseAddress { buffer.copyMemory(from: base + from, byteCount: done) }
            }
        }
        let at = position + Int64(done) - Int64(prefix.count)
        let rest = Int(min(Int64(max(0, wanted - done)), max(0, length - at)))
        if rest > 0 { done += file.read(at: start + at, into: buffer + done, count: rest) }
        position += Int64(done)
        return done
    }
}
