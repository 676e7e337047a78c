import AudioContainers
import Glibc

/// Whether ffmpeg came to the end of the file, or was ended.
enum ExternalEnding {
    /// ffmpeg's own statuses after signals that it handles: 255 after the first (`received_nb_signals` in its `main`), 123
    /// after the fourth (`sigterm_handler`).
    private static let statusesAfterSignals: Set<Int32> = [255, 123]

    /// What ended it, in a few words; nil when it ended by itself, at the end of the file or at damage.
    /// - Parameters:
    ///   - status: the exit status, or the negative number of the signal that ended it.
    ///   - readError: why the file cannot be read, nil when it can.
    ///   - ranOutOfMemory: in the middle of its work.
    static func interruption(status: Int32, readError: CInt?, ranOutOfMemory: Bool = false) -> String? {
        if status < 0 { return "ffmpeg was ended by signal \(-status)" }
        if let readError { return "reading the file failed: \(String(cString: strerror(readError)))" }
        if status != 0, ranOutOfMemory { return "ffmpeg ran out of memory" }
        return statusesAfterSignals.contains(status) ? "ffmpeg was told to stop" : nil
    }

    /// ffmpeg says "Input/output error" of damaged files as well: this reads the whole file to see whether it can be read.
    static func readError(of file: FileBytes) -> CInt? {
        let size = 1 << 20
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
        defer { buffer.deallocate() }
        guard let base = buffer.baseAddress else { return nil }
        var offset: Int64 = 0
        while offset < file.size, file.readError == nil {
            let count = file.read(at: offset, into: base, count: size)
            guard count > 0 else { break }
            offset += Int64(count)
        }
        return file.readError
    }
}
