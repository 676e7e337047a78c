import AudioContainers
import Glibc

/// Whether ffmpeg came to the end of the file, or was ended.
package enum ExternalEnding {
    /// ffmpeg's own statuses after signals that it handles: 255 after the first (`received_nb_signals` in its `main`), 123
    /// after the fourth (`sigterm_handler`).
    private static let statusesAfterSignals: Set<Int32> = [255, 123]

    /// What ended it; nil when it ended by itself, at the end of the file or at damage.
    /// - Parameters:
    ///   - status: the exit status, or the negative number of the signal that ended it.
    ///   - ranOutOfMemory: by its own words.
    ///   - isHeard: something of the file was decoded before: what its header asks for is the file's fault.
    package static func interruption(status: Int32, ranOutOfMemory: Bool, isHeard: Bool) -> Interruption? {
        if status < 0 {
            return Interruption(
                cause: "ffmpeg was ended by signal \(-status)", isCrash: DecodingEnd.ownSignals.contains(-status))
        }
        if status != 0, ranOutOfMemory, isHeard { return Interruption(cause: "ffmpeg ran out of memory") }
        return statusesAfterSignals.contains(status) ? Interruption(cause: "ffmpeg was told to stop") : nil
    }

    /// Reads the whole file, to see whether it can be read (`FileBytes.readError`).
    static func readAll(of file: FileBytes) {
        let size = 1 << 20
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
        defer { buffer.deallocate() }
        guard let base = buffer.baseAddress else { return }
        var offset: Int64 = 0
        while offset < file.size {
            let count = file.read(at: offset, into: base, count: size)
            guard count > 0 else { return }
            offset += Int64(count)
        }
    }
}
