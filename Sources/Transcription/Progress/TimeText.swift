/// Times as people and subtitle players write them; no locale.
package enum TimeText {
    /// `00:10:00`, whole seconds, of a sample count.
    package static func clock(_ samples: Int64) -> String { clock(seconds: samples / SampleClock.rate) }

    /// `00:20:49`, to the nearest second.
    package static func clock(seconds: Double) -> String {
        clock(seconds: Int64(min(max(0, seconds), 1e9).rounded()))
    }

    /// `00:10:00–00:15:00`: the whole seconds that hold the range.
    package static func clock(_ range: SampleRange) -> String {
        let end = (range.end + SampleClock.rate - 1) / SampleClock.rate
        return "\(clock(range.start))–\(clock(seconds: end))"
    }

    /// `00:10:00,250`; the separator is `,` in SubRip and `.` in WebVTT.
    static func stamp(milliseconds: Int64, separator: Character) -> String {
        "\(clock(seconds: milliseconds / 1000))\(separator)\(padded(milliseconds % 1000, to: 3))"
    }

    /// `45 s`, `1 min 20 s`, `2 h 5 min`; rounded up to whole seconds, from an hour on to minutes.
    package static func duration(seconds: Double) -> String {
        guard seconds.isFinite, seconds < 1e9 else { return "a long time" }
        let whole = Int64(max(0, seconds).rounded(.up))
        if whole < 60 { return "\(whole) s" }
        if whole < 3600 { return whole % 60 == 0 ? "\(whole / 60) min" : "\(whole / 60) min \(whole % 60) s" }
        let minutes = (whole + 59) / 60
        return minutes % 60 == 0 ? "\(minutes / 60) h" : "\(minutes / 60) h \(minutes % 60) min"
    }

    /// A time that goes on, in whole steps of what has passed: `50 s`, `3 min`, `2 h 5 min`.
    package static func elapsed(seconds: Double) -> String {
        let whole = seconds.isFinite ? max(0, seconds.rounded(.down)) : seconds
        return duration(seconds: whole < 60 ? whole : (whole / 60).rounded(.down) * 60)
    }

    /// An estimate as `duration`, in steps that do not pretend to be exact: 5 s from 20 s on, a minute from 10 minutes on.
    package static func estimate(seconds: Double) -> String {
        let step: Double = seconds < 20 ? 1 : seconds < 600 ? 5 : 60
        return duration(seconds: (seconds / step).rounded() * step)
    }

    /// A span of time in its largest unit only: `3 days`, `2 h`, `5 min`, `10 s`.
    package static func length(seconds: Int64) -> String {
        switch seconds {
        case ..<60: "\(seconds) s"
        case ..<3600: "\(seconds / 60) min"
        case ..<172_800: "\(seconds / 3600) h"
        default: "\(seconds / 86_400) days"
        }
    }

    private static func clock(seconds: Int64) -> String {
        let seconds = max(0, seconds)
        return "\(padded(seconds / 3600, to: 2)):\(padded(seconds / 60 % 60, to: 2)):\(padded(seconds % 60, to: 2))"
    }

    private static func padded(_ value: Int64, to width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
