package import AudioContainers
import Glibc

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

    /// The real one.
    package var source: FileBytes { file }
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
