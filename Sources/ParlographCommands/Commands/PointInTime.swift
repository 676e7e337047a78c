import Glibc

/// A point in the past as people write it.
package enum PointInTime {
    private static let units: [String: Int64] = [
        "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400,
    ]

    /// - Parameters:
    ///   - text: `2026-11-27`, `2026-11-27T08:00` (also with seconds, and a space for the T), in the time zone of the
    ///     machine; or how long ago: `90s`, `30min`, `2h`, `3d`, `1w`.
    ///   - now: seconds since 1970.
    /// - Returns: seconds since 1970; nil where it is none of these.
    package static func seconds(_ text: String, now: Int64) -> Int64? {
        if let found = text.wholeMatch(of: /(\d{1,6}) ?(s|m|min|h|d|w)/) {
            guard let count = Int64(found.output.1), let unit = units[String(found.output.2)] else { return nil }
            return now - count * unit
        }
        let pattern = /(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d))?)?/
        guard let found = text.wholeMatch(of: pattern)?.output else { return nil }
        func number(_ text: Substring?) -> Int32 { text.flatMap { Int32($0) } ?? 0 }
        let (year, month, day) = (number(found.1), number(found.2), number(found.3))
        let (hour, minute, second) = (number(found.4), number(found.5), number(found.6))
        guard (1970...9999).contains(year), (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60,
            second < 61
        else { return nil }
        var parts = tm()
        (parts.tm_year, parts.tm_mon, parts.tm_mday) = (year - 1900, month - 1, day)
        (parts.tm_hour, parts.tm_min, parts.tm_sec, parts.tm_isdst) = (hour, minute, second, -1)
        let time = mktime(&parts)
        // The 30th of February has become another day.
        return parts.tm_mday == day ? Int64(time) : nil
    }
}
