import Glibc

/// Points in time for people, in the time zone of the machine.
package enum LocalTime {
    /// `2026-11-23 14:05:09`.
    /// - Parameter seconds: since 1970.
    package static func moment(_ seconds: Int64) -> String {
        let parts = parts(seconds)
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) "
            + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
    }

    /// When the day began that `seconds` lies in, in seconds since 1970.
    package static func startOfDay(_ seconds: Int64) -> Int64 {
        var parts = parts(seconds)
        (parts.tm_hour, parts.tm_min, parts.tm_sec, parts.tm_isdst) = (0, 0, 0, -1)
        return Int64(mktime(&parts))
    }

    /// When the day after that one begins: a day has 23 to 25 hours where clocks are changed.
    package static func startOfNextDay(_ seconds: Int64) -> Int64 { startOfDay(startOfDay(seconds) + 26 * 3600) }

    private static func parts(_ seconds: Int64) -> tm {
        var at = time_t(seconds)
        var parts = tm()
        localtime_r(&at, &parts)
        return parts
    }

    private static func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
