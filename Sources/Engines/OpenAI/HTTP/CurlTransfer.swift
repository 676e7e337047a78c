import CCurl
import Glibc
import Synchronization

/// One transfer on its way: what libcurl's callbacks read and fill.
///
/// @unchecked: only the loop's thread touches the stored properties once the transfer was submitted; the exception,
/// `isCancelled`, is atomic.
final class CurlTransfer: @unchecked Sendable {
    let continuation: CheckedContinuation<HTTPResponse, any Error>
    let cancellation: CurlCancellation
    private let request: HTTPRequest
    private let easy: CurlEasy
    private var headerLines = CurlList()
    private let errorText: UnsafeMutablePointer<CChar>

    private var piece = 0
    private var offset = 0
    private var response: HTTPResponse
    private let share: BodyShare
    private var headerBytes = 0
    private var excess: HTTPFailure.Excess?

    var handle: UnsafeMutableRawPointer { easy.handle }

    /// Nil when memory is short.
    init?(
        _ request: HTTPRequest, cancellation: CurlCancellation, share: BodyShare,
        continuation: CheckedContinuation<HTTPResponse, any Error>
    ) {
        guard let easy = CurlEasy() else { return nil }
        self.easy = easy
        self.request = request
        self.cancellation = cancellation
        self.continuation = continuation
        self.share = share
        response = HTTPResponse(status: 0, share: share)
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        configure()
    }

    deinit { errorText.deallocate() }

    private func configure() {
        let context = Unmanaged.passUnretained(self).toOpaque()
        let isEncrypted = request.url.lowercased().hasPrefix("https:")
        easy.set(CURLOPT_URL, request.url)
        easy.set(CURLOPT_PROTOCOLS_STR, "http,https")
        easy.set(CURLOPT_NOSIGNAL, true)
        easy.set(CURLOPT_FOLLOWLOCATION, false)
        easy.set(CURLOPT_TCP_KEEPALIVE, true)
        easy.set(CURLOPT_CONNECTTIMEOUT_MS, CurlLoop.connectMilliseconds)
        easy.set(CURLOPT_TIMEOUT_MS, max(1, request.timeout.milliseconds))
        easy.set(CURLOPT_ACCEPT_ENCODING, request.takesPacked ? "" : "identity")
        easy.set(CURLOPT_USERAGENT, "parlograph")
        let version = isEncrypted && !request.onlyHTTP1 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1
        easy.set(CURLOPT_HTTP_VERSION, Int(version))
        easy.set(CURLOPT_FRESH_CONNECT, request.onFreshConnection)
        if URLParts(request.url)?.isLoopback == true { easy.set(CURLOPT_PROXY, "") }
        configureTrust()

        // "Expect:" without a value removes the header, which would cost a second with servers that ignore it.
        headerLines.append("Expect:")
        for header in request.headers { headerLines.append("\(header.name): \(header.value)") }
        _ = ccurl_set_list(easy.handle, CURLOPT_HTTPHEADER, headerLines.head)

        if request.body != nil {
            easy.set(CURLOPT_POST, true)
            easy.set(CURLOPT_POSTFIELDSIZE_LARGE, offset: request.bodyByteCount)
            easy.set(CURLOPT_UPLOAD_BUFFERSIZE, 256 << 10)
            easy.set(CURLOPT_READDATA, pointer: context)
            _ = ccurl_set_data_callback(easy.handle, CURLOPT_READFUNCTION) { @Sendable data, size, count, context in
                guard let data, let context else { return 0 }
                return CurlTransfer.from(context).read(into: data, upTo: size * count)
            }
            easy.set(CURLOPT_SEEKDATA, pointer: context)
            _ = ccurl_set_seek_callback(easy.handle) { @Sendable context, offset, origin in
                guard let context, origin == SEEK_SET, offset >= 0 else { return CURL_SEEKFUNC_CANTSEEK }
                CurlTransfer.from(context).seek(to: Int(offset))
                return CURL_SEEKFUNC_OK
            }
        }
        easy.set(CURLOPT_WRITEDATA, pointer: context)
        _ = ccurl_set_data_callback(easy.handle, CURLOPT_WRITEFUNCTION) { @Sendable data, size, count, context in
            guard let data, let context else { return 0 }
            return CurlTransfer.from(context).write(UnsafeRawBufferPointer(start: data, count: size * count))
        }
        easy.set(CURLOPT_HEADERDATA, pointer: context)
        _ = ccurl_set_data_callback(easy.handle, CURLOPT_HEADERFUNCTION) { @Sendable data, size, count, context in
            guard let data, let context else { return 0 }
            return CurlTransfer.from(context).header(UnsafeRawBufferPointer(start: data, count: size * count))
        }
        easy.set(CURLOPT_ERRORBUFFER, pointer: UnsafeMutableRawPointer(errorText))
    }

    private func configureTrust() {
        easy.set(CURLOPT_SSL_VERIFYPEER, !request.trust.isDisabled)
        easy.set(CURLOPT_SSL_VERIFYHOST, request.trust.isDisabled ? 0 : 2)
        guard let authorities = request.trust.authorities else { return }
        // The blob replaces libcurl's default bundle file, not its default folder, which holds the same roots.
        if let folder = ccurl_default_ca_folder() { easy.set(CURLOPT_CAPATH, String(cString: folder)) }
        authorities.withUnsafeBytes { bytes in
            _ = ccurl_set_blob(easy.handle, CURLOPT_CAINFO_BLOB, bytes.baseAddress, bytes.count)
        }
    }

    private static func from(_ context: UnsafeMutableRawPointer) -> CurlTransfer {
        Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
    }

    private func read(into target: UnsafeMutablePointer<CChar>, upTo limit: Int) -> Int {
        guard let body = request.body else { return 0 }
        var written = 0
        while written < limit, piece < body.count {
            let count = min(limit - written, body[piece].count - offset)
            body[piece].withUnsafeBytes { bytes in
                guard let base = bytes.baseAddress, count > 0 else { return }
                memcpy(target + written, base + offset, count)
            }
            written += count
            offset += count
            if offset == body[piece].count {
                piece += 1
                offset = 0
                if piece == body.count { request.onSent?() }
            }
        }
        return written
    }

    private func seek(to position: Int) {
        guard let body = request.body else { return }
        piece = 0
        offset = position
        while piece < body.count, offset >= body[piece].count {
            offset -= body[piece].count
            piece += 1
        }
    }

    private func write(_ bytes: UnsafeRawBufferPointer) -> Int {
        let total = response.body.count + bytes.count
        guard total <= CurlLoop.maximumResponseBytes, share.grow(to: total) else {
            excess = .body
            return 0
        }
        response.body.append(contentsOf: bytes)
        return bytes.count
    }

    private func header(_ bytes: UnsafeRawBufferPointer) -> Int {
        headerBytes += bytes.count
        guard headerBytes <= CurlLoop.maximumHeaderBytes else {
            excess = .header
            return 0
        }
        let line = String(decoding: bytes, as: UTF8.self)
        // A status line begins a new header: the one before was that of an interim answer or of a proxy.
        if line.hasPrefix("HTTP/") {
            response.headers = HTTPHeaders()
        } else {
            response.headers.add(line: line)
        }
        return bytes.count
    }

    /// libcurl takes the end of the connection for that of a body in HTTP/1 that has no length and no chunks, and the end
    /// of the body for that of what is packed in it.
    private var doubtOfEnd: String? {
        let coding = response.headers["Content-Encoding"] ?? "identity"
        guard coding.lowercased() == "identity" else { return "is packed (\(coding)), so that its end cannot be told" }
        let isFramed =
            easy.long(CURLINFO_HTTP_VERSION) > Int(CURL_HTTP_VERSION_1_1) || response.headers["Content-Length"] != nil
            || response.headers["Transfer-Encoding"]?.lowercased().contains("chunked") == true
        return isFramed ? nil : "does not tell where it ends (no Content-Length, no chunks)"
    }

    /// Ends the transfer for its caller; libcurl must have let go of the handle.
    func finish(_ code: CURLcode) {
        response.status = easy.long(CURLINFO_RESPONSE_CODE)
        guard code != CURLE_OK else {
            response.doubtOfEnd = doubtOfEnd
            return continuation.resume(returning: response)
        }
        var detail = String(cString: errorText)
        if detail.isEmpty { detail = String(cString: curl_easy_strerror(code)) }
        let wasSent = easy.long(CURLINFO_REQUEST_SIZE) > 0
        // libcurl's name for a line of the header longer than it takes; since 8.6 that has a name of its own.
        if wasSent, response.body.isEmpty, code == CURLE_OUT_OF_MEMORY || code.rawValue == 100 { excess = .header }
        continuation.resume(
            throwing: HTTPFailure(
                curlCode: Int32(bitPattern: code.rawValue), detail: detail,
                wasReused: easy.long(CURLINFO_NUM_CONNECTS) == 0,
                receivedByteCount: headerBytes + response.body.count, status: response.status,
                excess: excess, wasSent: wasSent))
    }
}

/// How a caller takes a transfer back.
final class CurlCancellation: Sendable {
    private let flag = Atomic(false)
    var isRequested: Bool { flag.load(ordering: .acquiring) }
    func request() { flag.store(true, ordering: .releasing) }
}

extension Duration {
    /// Whole milliseconds, not more than fit a C long on any machine.
    var milliseconds: Int {
        let (seconds, attoseconds) = components
        return Int(min(max(seconds, -2_000_000), 2_000_000)) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
    }
}
