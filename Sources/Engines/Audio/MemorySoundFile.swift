import CSndfile
import Glibc

/// What libsndfile said of audio in memory.
package struct SoundFileError: Error, CustomStringConvertible {
    package let description: String
}

/// The one owner of a libsndfile handle that reads a `MemoryFile` with one channel.
struct MemorySoundFile: ~Copyable {
    private let handle: OpaquePointer
    private let info: SF_INFO
    /// libsndfile keeps an unowned pointer to it.
    private let file: MemoryFile

    /// - Throws: `SoundFileError`.
    init(_ file: MemoryFile) throws {
        var io = SF_VIRTUAL_IO(
            get_filelen: { @Sendable context in sf_count_t(MemoryFile.from(context)?.bytes.count ?? 0) },
            seek: { @Sendable offset, whence, context in
                sf_count_t(MemoryFile.from(context)?.seek(Int(offset), whence) ?? -1)
            },
            read: { @Sendable target, count, context in
                guard let target else { return 0 }
                return sf_count_t(MemoryFile.from(context)?.read(target, Int(count)) ?? 0)
            },
            write: { @Sendable _, _, _ in 0 },
            tell: { @Sendable context in sf_count_t(MemoryFile.from(context)?.position ?? 0) })
        var info = SF_INFO()
        guard let handle = sf_open_virtual(&io, Int32(SFM_READ), &info, Unmanaged.passUnretained(file).toOpaque())
        else {
            // The text of a failed open is global to libsndfile: the number alone is safe with several threads.
            throw SoundFileError(description: "libsndfile cannot open the audio (error \(sf_error(nil)))")
        }
        self.handle = handle
        self.info = info
        self.file = file
    }

    deinit { sf_close(handle) }

    /// The samples of `range` that there are; what lies before is not decoded.
    /// - Throws: `SoundFileError`.
    func samples(in range: Range<Int>) throws -> [Int16] {
        guard info.channels == 1, info.frames >= 0 else {
            throw SoundFileError(description: "the audio has \(info.channels) channels")
        }
        let wanted = range.clamped(to: 0..<Int(info.frames))
        guard wanted.lowerBound == 0 || sf_seek(handle, sf_count_t(wanted.lowerBound), SEEK_SET) >= 0 else {
            throw SoundFileError(description: "libsndfile cannot go to sample \(wanted.lowerBound)")
        }
        return try [Int16](unsafeUninitializedCapacity: wanted.count) { buffer, initialized in
            if let base = buffer.baseAddress, !wanted.isEmpty {
                initialized = Int(sf_read_short(handle, base, sf_count_t(wanted.count)))
            }
            guard initialized == wanted.count else {
                throw SoundFileError(description: "libsndfile read \(initialized) of \(wanted.count) samples")
            }
        }
    }
}
