/// When a server wants to be asked again, from its headers and words.
enum RetryHint {
    /// The server's wish, by falling precision: `retry-after-ms`, `Retry-After` (seconds or a date), the rate limit's
    /// reset where nothing is left, "try again in 20s". Nil where there is none, or none in the future.
    /// - Parameter now: seconds since 1970, for dates; the server's own `Date` is preferred.
    static func delay(headers: HTTPHeaders, message: String, now: Double) -> Duration? {
        let seconds =
            headers["retry-after-ms"].flatMap(number).map { $0 / 1000 }
            ?? headers["retry-after"].flatMap { afterHeader($0, now: headers["date"].flatMap(HTTPDate.seconds) ?? now) }
            ?? reset(headers) ?? spoken(message)
        guard let seconds, seconds > 0 else { return nil }
        return .milliseconds(Int64(min(seconds, 10_000_000) * 1000))
    }

    private static func number(_ text: String) -> Double? {
        Double(decimal: text).flatMap { $0.isFinite ? $0 : nil }
    }

    private static func afterHeader(_ text: String, now: Double) -> Double? {
        number(text) ?? HTTPDate.seconds(text).map { $0 - now }
    }

    private static func reset(_ headers: HTTPHeaders) -> Double? {
        RateLimit.all(in: headers).compactMap { _, limit in limit.remaining ?? 0 <= 0 ? limit.reset : nil }.max()
    }

    /// `6m0s`, `1.2s`, `20ms`, `1h2m3s`; a bare number is seconds.
    static func goDuration(_ text: String) -> Double? {
        if let plain = number(text) { return plain }
        var total = 0.0
        var rest = text.trimmed.lowercased()[...]
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isNumber || $0 == "." }
            let unit = rest.dropFirst(digits.count).prefix { $0.isLetter || $0 == "µ" }
            let scale: Double? =
                switch unit {
                case "h": 3600
                case "m": 60
                case "s": 1
                case "ms": 1e-3
                case "us", "µs", "μs": 1e-6
                case "ns": 1e-9
                default: nil
                }
            guard let value = Double(digits), let scale else { return nil }
            total += value * scale
            rest = rest.dropFirst(digits.count + unit.count)
        }
        return total
    }

    /// "Please try again in 7.66s", "retry after 12 seconds".
    private static func spoken(_ message: String) -> Double? {
        let message = message.lowercased()
        for phrase in ["try again in ", "retry after ", "retry in "] {
            guard let found = message.firstRange(of: phrase) else { continue }
            let words = message[found.upperBound...].split(separator: " ", maxSplits: 2)
            guard let first = words.first else { continue }
            let value = first.last.map { ".,;)".contains($0) } == true ? first.dropLast() : first
            guard let seconds = goDuration(String(value)) else { continue }
            let isMinutes = words.count > 1 && words[1].hasPrefix("minute") && number(String(value)) != nil
            return isMinutes ? seconds * 60 : seconds
        }
        return nil
    }
}

/// Dates in HTTP headers, without a locale.
enum HTTPDate {
    private static let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]

    /// Seconds since 1970 of `Sun, 06 Nov 1994 08:49:37 GMT`, the only form servers may send (RFC 9110, 5.6.7).
    static func seconds(_ text: String) -> Double? {
        let parts = text.lowercased().split { $0 == " " || $0 == "," || $0 == ":" }
        guard parts.count == 8, parts[7] == "gmt" || parts[7] == "utc", let day = Int(parts[1]), (1...31).contains(day),
            let month = months.firstIndex(of: String(parts[2])), let year = Int(parts[3]), (1970...9999).contains(year),
            let hour = Int(parts[4]), let minute = Int(parts[5]), let second = Int(parts[6]),
            (0...23).contains(hour), (0...59).contains(minute), (0...60).contains(second)
        else { return nil }
        // Days since 1970 in the proleptic Gregorian calendar, years counted from March.
        let y = month < 2 ? year - 1 : year
        let m = (month + 10) % 12
        let days = 365 * y + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - 719_468
        return Double(days * 86_400 + hour * 3600 + minute * 60 + second)
    }
}
