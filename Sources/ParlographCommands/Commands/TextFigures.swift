import Glibc

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
}
