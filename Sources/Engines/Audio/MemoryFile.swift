import Glibc

/// Bytes in memory that a C library reads or writes like a file.
final class MemoryFile {
    var bytes: [UInt8]
    private(set) var position = 0

    init(_ bytes: [UInt8] = []) { self.bytes = bytes }

    func seek(to place: Int) { position = max(0, place) }

    /// lseek(2): the new position.
    func seek(_ offset: Int, _ whence: Int32) -> Int {
        let origin =
            switch whence {
            case SEEK_CUR: position
            case SEEK_END: bytes.count
            default: 0
            }
        seek(to: origin + offset)
        return position
    }

    /// How many bytes there were, at most `count`.
    func read(_ target: UnsafeMutableRawPointer, _ count: Int) -> Int {
        let count = max(0, min(count, bytes.count - position))
        bytes.withUnsafeBytes { source in
            guard let base = source.baseAddress, count > 0 else { return }
            target.copyMemory(from: base + position, byteCount: count)
        }
        position += count
        return count
    }

    func write(_ source: UnsafeRawPointer, _ count: Int) {
        if position == bytes.count {
            bytes.append(contentsOf: UnsafeRawBufferPointer(start: source, count: count))
        } else {
            if position + count > bytes.count {
                bytes.append(contentsOf: repeatElement(0, count: position + count - bytes.count))
            }
            bytes.withUnsafeMutableBytes { target in
                target.baseAddress?.advanced(by: position).copyMemory(from: source, byteCount: count)
            }
        }
        position += count
    }

    /// The file that a callback's context stands for; it belongs to whoever gave it.
    static func from(_ context: UnsafeMutableRawPointer?) -> MemoryFile? {
        context.map { Unmanaged<MemoryFile>.fromOpaque($0).takeUnretainedValue() }
    }
}
