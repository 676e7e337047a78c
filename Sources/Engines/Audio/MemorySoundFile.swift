import CSndfile
import Glibc

/// Bytes in memory that libsndfile reads and writes like a file.
final class MemoryFile {
    var bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8] = []) { self.bytes = bytes }

    fileprivate func seek(_ offset: Int, _ whence: Int32) -> Int {
        let origin =
            switch whence {
            case SEEK_CUR: position
            case SEEK_END: bytes.count
            default: 0
            }
        position = max(0, origin + offset)
        return position
    }

    fileprivate func read(_ target: UnsafeMutableRawPointer, _ count: Int) -> Int {
        let count = max(0, min(count, bytes.count - position))
        bytes.withUnsafeBytes { source in
            guard let base = source.baseAddress, count > 0 else { return }
            target.copyMemory(from: base + position, byteCount: count)
        }
        position += count
        return count
    }

    fileprivate func write(_ source: UnsafeRawPointer, _ count: Int) -> Int {
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
        return count
    }

    fileprivate func tell() -> Int { position }

    fileprivate static func from(_ context: UnsafeMutableRawPointer?) -> MemoryFile? {
        context.map { Unmanaged<MemoryFile>.fromOpaque($0).takeUnretainedValue() }
    }
}

/// What libsndfile said of audio in memory.
package struct SoundFileError: Error, CustomStringConvertible {
    package let description: String
}

/// The one owner of a libsndfile handle on a `MemoryFile`.
struct MemorySoundFile: ~Copyable {
    let handle: OpaquePointer
    let info: SF_INFO
    let file: MemoryFile

    /// - Parameter mode: SFM_READ or SFM_WRITE; `info` says the format of what is written.
    /// - Throws: `SoundFileError`.
    init(_ file: MemoryFile, mode: Int32, info: SF_INFO = SF_INFO()) throws {
        var io = SF_VIRTUAL_IO(
            get_filelen: { @Sendable context in sf_count_t(MemoryFile.from(context)?.bytes.count ?? 0) },
            seek: { @Sendable offset, whence, context in
                sf_count_t(MemoryFile.from(context)?.seek(Int(offset), whence) ?? -1)
            },
            read: { @Sendable target, count, context in
                guard let target else { return 0 }
                return sf_count_t(MemoryFile.from(context)?.read(target, Int(count)) ?? 0)
            },
            write: { @Sendable source, count, context in
                guard let source else { return 0 }
                return sf_count_t(MemoryFile.from(context)?.write(source, Int(count)) ?? 0)
            },
            tell: { @Sendable context in sf_count_t(MemoryFile.from(context)?.tell() ?? 0) })
        var info = info
        guard let handle = sf_open_virtual(&io, mode, &info, Unmanaged.passUnretained(file).toOpaque()) else {
            // The text of a failed open is global to libsndfile: the number alone is safe with several threads.
            throw SoundFileError(description: "libsndfile cannot open the audio (error \(sf_error(nil)))")
        }
        self.handle = handle
        self.info = info
        self.file = file
    }

    deinit { sf_close(handle) }
}
