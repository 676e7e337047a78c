import Transcription

/// What a server says of one of its limits: `x-ratelimit-limit-*`, `-remaining-*` and `-reset-*`.
struct RateLimit: Sendable, Hashable {
    /// What is counted, as the headers name it.
    static let kinds = ["requests", "tokens", "audio-seconds"]

    var limit: Double?
    var remaining: Double?
    /// Seconds until all of it (or, with some servers, more of it) is there again.
    var reset: Double?

    /// Nil where the server says nothing of it.
    init?(of what: String, in headers: HTTPHeaders) {
        func number(_ name: String) -> Double? {
            headers["x-ratelimit-\(name)-\(what)"].flatMap { Double(decimal: $0) }.flatMap { $0.isFinite ? $0 : nil }
        }
        (limit, remaining) = (number("limit"), number("remaining"))
        reset = headers["x-ratelimit-reset-\(what)"].flatMap(RetryHint.goDuration)
        if limit == nil, remaining == nil, reset == nil { return nil }
    }

    static func all(in headers: HTTPHeaders) -> [(what: String, limit: RateLimit)] {
        kinds.compactMap { what in RateLimit(of: what, in: headers).map { (what, $0) } }
    }

    /// What may still be sent; nil where the server does not say, or not until when. Of tokens and audio it is not known how
    /// much a request takes: they count when nothing is left.
    static func allowance(in headers: HTTPHeaders) -> RequestAllowance? {
        let said = all(in: headers).compactMap { what, limit -> RequestAllowance? in
            guard let remaining = limit.remaining, let reset = limit.reset, reset > 0,
                what == "requests" || remaining <= 0
            else { return nil }
            return RequestAllowance(
                remaining: Int(min(max(0, remaining), 1e9)), reset: .milliseconds(Int64(min(reset, 1e7) * 1000)))
        }
        return said.min { ($0.remaining, $1.reset) < ($1.remaining, $0.reset) }
    }
}
