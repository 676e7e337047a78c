import CCurl
import Glibc
import SystemPackage
import SystemSupport

/// One request of a `FileDownload`, and its answer.
final class FileTransfer {
    enum End {
        case whole
        /// What is there is of another version than what the server has.
        case anew
        /// The connection; another one may bring more.
        case broken(String)
        case failed(String)
        case cancelled
    }

    private let file: CInt
    private let path: FilePath
    private let url: String
    private let origin: PartOrigin?
    private let there: Int64
    private let limit: Int64
    private let expected: Int64?
    private let flag: CancellationFlag
    private let progress: (Int64, Int64?) -> Void

    private var status = 0
    private var headers = HTTPHeaders()
    private var written: Int64
    private var total: Int64?
    /// Why libcurl was told to stop.
    private var verdict: End?
    private var fault: (any Error)?
    private let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))

    /// The body of the file has come, or a part of it.
    private(set) var hasBegun = false

    /// - Parameters:
    ///   - origin: what is there is a part of that; nil: what is there is of no use.
    ///   - there: bytes that are not to be fetched again.
    ///   - expected: bytes of the whole, where they are known beforehand.
    init(
        file: CInt, path: FilePath, url: String, origin: PartOrigin?, there: Int64, limit: Int64, expected: Int64?,
        flag: CancellationFlag, progress: @escaping (Int64, Int64?) -> Void
    ) {
        self.file = file
        self.path = path
        self.url = url
        self.origin = origin
        self.there = there
        self.limit = limit
        self.expected = expected
        self.flag = flag
        self.progress = progress
        written = there
        errorText[0] = 0
    }

    deinit { errorText.deallocate() }

    /// Blocks.
    /// - Throws: `SystemError`.
    func run() throws -> End {
        guard let easy = CurlEasy() else { throw SystemError("curl_easy_init", errno: .noMemory) }
        var fields = CurlList()
        if there > 0 {
            // The whole comes instead where it is another version by now.
            if let version = origin?.version { fields.append("If-Range: \(version)") }
            easy.set(CURLOPT_RANGE, "\(there)-")
            _ = ccurl_set_list(easy.handle, CURLOPT_HTTPHEADER, fields.head)
        }
        configure(easy)
        let code = withExtendedLifetime(self) { curl_easy_perform(easy.handle) }
        if let fault { throw fault }
        if let verdict { return verdict }
        return try end(code)
    }

    private func configure(_ easy: borrowing CurlEasy) {
        easy.set(CURLOPT_URL, url)
        easy.set(CURLOPT_PROTOCOLS_STR, "http,https")
        easy.set(CURLOPT_REDIR_PROTOCOLS_STR, url.lowercased().hasPrefix("https:") ? "https" : "http,https")
        easy.set(CURLOPT_FOLLOWLOCATION, true)
        easy.set(CURLOPT_MAXREDIRS, 10)
        easy.set(CURLOPT_FAILONERROR, true)
        easy.set(CURLOPT_NOSIGNAL, true)
        easy.set(CURLOPT_CONNECTTIMEOUT_MS, CurlLoop.connectMilliseconds * 3)
        easy.set(CURLOPT_LOW_SPEED_LIMIT, 1)
        easy.set(CURLOPT_LOW_SPEED_TIME, FileDownload.stallSeconds)
        easy.set(CURLOPT_USERAGENT, "parlograph")
        easy.set(CURLOPT_ERRORBUFFER, pointer: UnsafeMutableRawPointer(errorText))
        let context = Unmanaged.passUnretained(self).toOpaque()
        easy.set(CURLOPT_WRITEDATA, pointer: context)
        _ = ccurl_set_data_callback(easy.handle, CURLOPT_WRITEFUNCTION) { @Sendable data, size, count, context in
            guard let data, let context else { return 0 }
            let bytes = UnsafeRawBufferPointer(start: data, count: size * count)
            return FileTransfer.from(context).write(bytes) ? bytes.count : 0
        }
        easy.set(CURLOPT_HEADERDATA, pointer: context)
        _ = ccurl_set_data_callback(easy.handle, CURLOPT_HEADERFUNCTION) { @Sendable data, size, count, context in
            guard let data, let context else { return 0 }
            let bytes = UnsafeRawBufferPointer(start: data, count: size * count)
            FileTransfer.from(context).header(String(decoding: bytes, as: UTF8.self))
            return bytes.count
        }
        easy.set(CURLOPT_NOPROGRESS, false)
        easy.set(CURLOPT_XFERINFODATA, pointer: context)
        _ = ccurl_set_progress_callback(easy.handle) { @Sendable context, _, _, _, _ in
            guard let context else { return 1 }
            return FileTransfer.from(context).flag.isSet ? 1 : 0
        }
    }

    private static func from(_ context: UnsafeMutableRawPointer) -> FileTransfer {
        Unmanaged<FileTransfer>.fromOpaque(context).takeUnretainedValue()
    }

    /// Each status line begins a new header: those before were of proxies and redirects.
    private func header(_ line: String) {
        guard line.hasPrefix("HTTP/") else { return headers.add(line: line) }
        headers = HTTPHeaders()
        status = line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    }

    private func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
        do {
            guard try begin() else { return false }
            guard written + Int64(bytes.count) <= limit else {
                verdict = .failed("it is larger than any model is")
                return false
            }
            do {
                try FileDescriptor(rawValue: file).writeAll(bytes)
            } catch let errno as Errno {
                verdict = .failed("\(path.printable) cannot be written: \(errno)")
                return false
            }
            written += Int64(bytes.count)
            progress(written, total)
            return true
        } catch {
            fault = error
            return false
        }
    }

    /// Looks once what it is that comes.
    /// - Returns: false where it is of no use; `verdict` says why.
    private func begin() throws -> Bool {
        if hasBegun { return true }
        switch status {
        case 206:
            let range = ContentRange(headers["Content-Range"] ?? "")
            guard there > 0, range?.start == there, range?.total == origin?.total || range?.total == nil else {
                verdict = .anew
                return false
            }
            total = range?.total
        case 200:
            total = headers["Content-Length"].flatMap { Int64($0) }
            ftruncate(file, 0)
            written = 0
            var origin = PartOrigin(of: url)
            origin.version = version
            origin.total = total
            try origin.write(beside: path)
        default:
            verdict = .failed("the server answers with status \(status)")
            return false
        }
        if let total, total > limit {
            verdict = .failed("it is larger than any model is (\(ByteCount.text(total)))")
            return false
        }
        if let total, let expected, total != expected {
            verdict = .failed("it has \(total) bytes, not \(expected) as in the list: it is another file")
            return false
        }
        if let total, let free = freeBytes, free < total - written {
            verdict = .failed(
                "it has \(ByteCount.text(total)), and where \(path.printable) lies only \(ByteCount.text(free)) are free"
            )
            return false
        }
        hasBegun = true
        return true
    }

    /// An entity tag that stands for the very bytes, or else a time.
    private var version: String? {
        let tag = headers["ETag"].flatMap { $0.hasPrefix("W/") ? nil : $0 }
        return (tag ?? headers["Last-Modified"]).flatMap { $0.contains("\n") || $0.utf8.count > 1000 ? nil : $0 }
    }

    private var freeBytes: Int64? {
        var figures = statvfs()
        guard fstatvfs(file, &figures) == 0 else { return nil }
        return Int64(clamping: figures.f_bavail &* figures.f_frsize)
    }

    private func end(_ code: CURLcode) throws -> End {
        switch code {
        case CURLE_OK:
            // Also of a file without bytes.
            guard try begin() else { return verdict ?? .failed("the server answers with status \(status)") }
            if let total, total != written { return .broken("\(written) of \(total) bytes came") }
            return .whole
        case CURLE_ABORTED_BY_CALLBACK: return .cancelled
        case CURLE_HTTP_RETURNED_ERROR:
            guard status == 416, there > 0 else { return .failed("the server answers with status \(status)") }
            return ContentRange(headers["Content-Range"] ?? "")?.total == there ? .whole : .anew
        default:
            let detail = String(cString: errorText)
            return .broken(detail.isEmpty ? String(cString: curl_easy_strerror(code)) : detail)
        }
    }
}

/// `bytes 100-199/200`, `bytes 100-199/*` or `bytes */200`.
private struct ContentRange {
    var start: Int64?
    var total: Int64?

    init?(_ text: String) {
        let words = text.split(separator: " ")
        guard words.count == 2, words[0].lowercased() == "bytes" else { return nil }
        let parts = words[1].split(separator: "/")
        guard parts.count == 2 else { return nil }
        start = parts[0].split(separator: "-").first.flatMap { Int64($0) }
        total = Int64(parts[1])
    }
}
