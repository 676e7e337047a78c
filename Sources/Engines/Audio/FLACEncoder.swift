import CSndfile
import Glibc

/// FLAC of 16-bit mono audio at 16 kHz in memory, and back. Both block: call them on a `BlockingPool`.
package enum FLACEncoder {
    /// libFLAC's level 3 of 8 on libsndfile's scale of 0 to 1: on speech 0.5 % longer than level 5, a seventh less CPU time.
    private static let compression = 3.0 / 8
    private static let blockSamples = 65_536

    /// - Throws: `SoundFileError`.
    package static func encode(_ samples: [Int16]) throws -> [UInt8] {
        let file = MemoryFile()
        file.bytes.reserveCapacity(samples.count + 4096)
        var info = SF_INFO()
        info.samplerate = 16_000
        info.channels = 1
        info.format = Int32(SF_FORMAT_FLAC | SF_FORMAT_PCM_16)
        try write(samples, to: MemorySoundFile(file, mode: Int32(SFM_WRITE), info: info))
        return file.bytes
    }

    /// Consumes the handle, so that the file is complete on return.
    private static func write(_ samples: [Int16], to sound: consuming MemorySoundFile) throws {
        var level = compression
        sf_command(sound.handle, Int32(SFC_SET_COMPRESSION_LEVEL), &level, Int32(MemoryLayout<Double>.size))
        let written = samples.withUnsafeBufferPointer { buffer -> Int in
            var done = 0
            while done < buffer.count, let base = buffer.baseAddress {
                let count = min(blockSamples, buffer.count - done)
                guard sf_write_short(sound.handle, base + done, sf_count_t(count)) == count else { break }
                done += count
            }
            return done
        }
        guard written == samples.count else {
            throw SoundFileError(description: "libsndfile wrote \(written) of \(samples.count) samples")
        }
    }

    /// Inverse of `encode`; takes any mono file that libsndfile knows.
    /// - Parameter range: the samples wanted, as far as there are so many; nil: all. Where they are is looked for in the
    ///   file, without decoding what lies before.
    /// - Throws: `SoundFileError`.
    package static func decode(_ bytes: [UInt8], in range: Range<Int>? = nil) throws -> [Int16] {
        let sound = try MemorySoundFile(MemoryFile(bytes), mode: Int32(SFM_READ))
        guard sound.info.channels == 1, sound.info.frames >= 0 else {
            throw SoundFileError(description: "the audio has \(sound.info.channels) channels")
        }
        let wanted = (range ?? 0..<Int(sound.info.frames)).clamped(to: 0..<Int(sound.info.frames))
        let count = wanted.count
        guard wanted.lowerBound == 0 || sf_seek(sound.handle, sf_count_t(wanted.lowerBound), SEEK_SET) >= 0 else {
            throw SoundFileError(description: "libsndfile cannot go to sample \(wanted.lowerBound)")
        }
        return try [Int16](unsafeUninitializedCapacity: count) { buffer, initialized in
            if let base = buffer.baseAddress, count > 0 {
                initialized = Int(sf_read_short(sound.handle, base, sf_count_t(count)))
            }
            guard initialized == count else {
                throw SoundFileError(description: "libsndfile read \(initialized) of \(count) samples")
            }
        }
    }
}
