import CCurl
import Glibc
package import SystemPackage
import SystemSupport

/// A large file from a web server into a file here; what is there of it already is not fetched again.
package enum FileDownload {
    /// Why it did not work, for people.
    package struct Failure: Error, CustomStringConvertible { package let description: String }

    /// Less for so long is no connection any more.
    private static let stallSeconds = 60

    private final class Sink {
        let descriptor: CInt
        let progress: (Int64) -> Void
        var written: Int64

        init(_ descriptor: CInt, written: Int64, progress: @escaping (Int64) -> Void) {
            self.descriptor = descriptor
            self.written = written
            self.progress = progress
        }

        func write(_ bytes: UnsafeRawBufferPointer) -> Int {
            var done = 0
            while done < bytes.count {
                let count = Glibc.write(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return 0 }
                done += count
            }
            written += Int64(done)
            progress(written)
            return done
        }
    }

    /// Goes on where the file ends. Blocks until the whole is there.
    /// - Parameter progress: is told how many bytes there are.
    /// - Throws: `Failure`, `SystemError`.
    package static func fetch(_ url: String, to path: FilePath, progress: @escaping (Int64) -> Void) throws {
        var result = try attempt(url, path, progress)
        // The server does not go on in the middle, or the part is the whole or longer.
        if result.code == CURLE_RANGE_ERROR || result.status == 416 {
            _ = path.withPlatformString { unlink($0) }
            result = try attempt(url, path, progress)
        }
        guard result.code == CURLE_OK else {
            let reason =
                result.status >= 400
                ? "the server answers with status \(result.status)" : String(cString: curl_easy_strerror(result.code))
            throw Failure(
                description: "\(url) cannot be had: \(reason). What came of it stays in \(path.printable); the same "
                    + "command goes on there.")
        }
    }

    private static func attempt(
        _ url: String, _ path: FilePath, _ progress: @escaping (Int64) -> Void
    ) throws -> (code: CURLcode, status: Int) {
        let file = try OwnedDescriptor(opening: path, flags: O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, mode: 0o644)
        let there = try FileStatus(of: file.descriptor).identity.byteCount
        guard let easy = CurlEasy() else { throw Failure(description: "libcurl has no memory.") }
        let sink = Sink(file.descriptor.rawValue, written: there, progress: progress)
        easy.set(CURLOPT_URL, url)
        easy.set(CURLOPT_PROTOCOLS_STR, "http,https")
        easy.set(CURLOPT_REDIR_PROTOCOLS_STR, url.lowercased().hasPrefix("https:") ? "https" : "http,https")
        easy.set(CURLOPT_FOLLOWLOCATION, true)
        easy.set(CURLOPT_MAXREDIRS, 10)
        easy.set(CURLOPT_FAILONERROR, true)
        easy.set(CURLOPT_NOSIGNAL, true)
        easy.set(CURLOPT_CONNECTTIMEOUT_MS, CurlLoop.connectMilliseconds * 3)
        easy.set(CURLOPT_LOW_SPEED_LIMIT, 1)
        easy.set(CURLOPT_LOW_SPEED_TIME, stallSeconds)
        easy.set(CURLOPT_USERAGENT, "parlograph")
        if there > 0 { easy.set(CURLOPT_RESUME_FROM_LARGE, offset: Int(there)) }
        easy.set(CURLOPT_WRITEDATA, pointer: Unmanaged.passUnretained(sink).toOpaque())
        _ = ccurl_set_data_callback(easy.handle, CURLOPT_WRITEFUNCTION) { @Sendable data, size, count, context in
            guard let data, let context else { return 0 }
            return Unmanaged<Sink>.fromOpaque(context).takeUnretainedValue()
                .write(UnsafeRawBufferPointer(start: data, count: size * count))
        }
        let code = withExtendedLifetime(sink) { curl_easy_perform(easy.handle) }
        fsync(file.descriptor.rawValue)
        return (code, easy.long(CURLINFO_RESPONSE_CODE))
    }
}
