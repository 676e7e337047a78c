/// A request as `CurlLoop` sends it.
package struct HTTPRequest: Sendable {
    package var url: String
    /// Name and value; a value may be a secret, so headers are never logged.
    package var headers: [(name: String, value: String)]
    /// Sent one after the other with a known length by POST; nil makes the request a GET. The arrays are shared with the
    /// caller, not copied.
    package var body: [[UInt8]]?
    /// For everything from connecting to the last byte of the answer.
    package var timeout: Duration
    package var trust: TLSTrust
    /// Speak HTTP/1.1 also to a server that offers HTTP/2.
    package var onlyHTTP1: Bool
    /// Do not take a kept-alive connection.
    package var onFreshConnection: Bool
    /// The answer may come packed. Not where its end can be told by its framing only: what is packed may end early
    /// without libcurl noticing.
    package var takesPacked = true
    /// Is called on the loop's thread when libcurl has taken the last byte of the body; must be quick.
    package var onSent: (@Sendable () -> Void)?

    package init(
        url: String, headers: [(name: String, value: String)] = [], body: [[UInt8]]? = nil, timeout: Duration,
        trust: TLSTrust = TLSTrust(), onlyHTTP1: Bool = false, onFreshConnection: Bool = false
    ) {
        self.url = url
        self.headers = headers
        self.body = body
        self.timeout = timeout
        self.trust = trust
        self.onlyHTTP1 = onlyHTTP1
        self.onFreshConnection = onFreshConnection
    }

    package var bodyByteCount: Int { body?.reduce(0) { $0 + $1.count } ?? 0 }
}

/// Which servers a request believes.
package struct TLSTrust: Sendable, Hashable {
    /// PEM certificates of additional authorities; the system's own stay trusted.
    package var authorities: [UInt8]?
    /// Believe anyone: no check of certificate or host name.
    package var isDisabled: Bool

    package init(authorities: [UInt8]? = nil, isDisabled: Bool = false) {
        self.authorities = authorities
        self.isDisabled = isDisabled
    }
}

/// A complete answer, whatever its status.
package struct HTTPResponse: Sendable {
    package var status: Int
    package var headers: HTTPHeaders
    package var body: [UInt8]
    /// Why the body may be the beginning of a longer one though the transfer ended well; nil: it is whole. Part of a
    /// sentence: "the answer …".
    package var doubtOfEnd: String?
    /// Keeps the body's part of the budget while the body is there.
    private var share: BodyShare?

    package init(status: Int, headers: HTTPHeaders = HTTPHeaders(), body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// An answer that is still to come.
    init(status: Int, share: BodyShare) {
        self.init(status: status)
        self.share = share
    }
}

/// Response headers, found without regard to case; of a repeated one the last counts.
package struct HTTPHeaders: Sendable, Hashable, ExpressibleByDictionaryLiteral {
    private var values: [String: String] = [:]

    package init() {}

    package init(dictionaryLiteral elements: (String, String)...) {
        for (name, value) in elements { self[name] = value }
    }

    /// Whatever the case of the letters of `name`.
    package subscript(name: String) -> String? {
        get { values[name.lowercased()] }
        set { values[name.lowercased()] = newValue }
    }

    /// Takes a `Name: value` line; others are ignored.
    package mutating func add(line: String) {
        guard let colon = line.firstIndex(of: ":") else { return }
        self[line[..<colon].trimmed] = line[line.index(after: colon)...].trimmed
    }
}

/// A transfer without a complete answer.
package struct HTTPFailure: Error, Sendable {
    /// What is larger than `CurlLoop.maximumHeaderBytes` or `.maximumResponseBytes`.
    package enum Excess: Sendable { case header, body }

    /// CURLE_* (libcurl-errors(3)).
    package var curlCode: Int32
    /// libcurl's own words.
    package var detail: String
    /// The connection had served an earlier request.
    package var wasReused: Bool
    /// Bytes of the answer, header included, that had come.
    package var receivedByteCount: Int
    /// Status of the answer if its header had come, otherwise 0.
    package var status: Int
    /// What of the answer was too large, if that was the fault: a body larger than `CurlLoop.maximumResponseBytes`, or together
    /// with others under way than `CurlLoop.maximumTotalBytes`.
    package var excess: Excess?
    /// Some part of the request had gone out.
    package var wasSent: Bool

    package init(
        curlCode: Int32, detail: String, wasReused: Bool = false, receivedByteCount: Int = 0, status: Int = 0,
        excess: Excess? = nil, wasSent: Bool = false
    ) {
        self.curlCode = curlCode
        self.detail = detail
        self.wasReused = wasReused
        self.receivedByteCount = receivedByteCount
        self.status = status
        self.excess = excess
        self.wasSent = wasSent
    }
}

extension HTTPFailure {
    /// What an oversized answer is, as part of a sentence.
    var wordsForItsSize: String {
        let most = CurlLoop.maximumResponseBytes >> 20
        // The last piece of an answer that is too large in itself is not counted: libcurl hands on at most 512 KiB.
        guard receivedByteCount < (most - 1) << 20 else { return "sent an answer of more than \(most) MiB" }
        return "sent an answer of more than \(receivedByteCount >> 20) MiB while others as long were under way"
    }
}
