import Glibc

/// Sizes for people.
enum ByteCount {
    /// `0 B`, `12.3 KB`, `1.0 GB`; a KB is 1024 bytes.
    static func text(_ bytes: Int64) -> String {
        var value = Double(bytes)
        var unit = "B"
        for next in ["KB", "MB", "GB", "TB"] where value >= 1024 {
            value /= 1024
            unit = next
        }
        if unit == "B" { return "\(bytes) B" }
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10) \(unit)"
    }
}

/// Times for people.
enum TimeText {
    /// `3 days`, `2 h`, `5 min`, `10 s`.
    static func age(since seconds: Int64) -> String { length(max(0, Int64(time(nil)) - seconds)) }

    /// The largest unit only.
    static func length(_ seconds: Int64) -> String {
        switch seconds {
        case ..<60: "\(seconds) s"
        case ..<3600: "\(seconds / 60) min"
        case ..<172_800: "\(seconds / 3600) h"
        default: "\(seconds / 86_400) days"
        }
    }

    /// Local date and time, `2026-11-23 14:05:09`.
    static func moment(_ seconds: Int64) -> String {
        var at = time_t(seconds)
        var parts = tm()
        localtime_r(&at, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) "
            + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
    }
}
