/// Times in warnings, for people.
enum SpokenTime {
    /// `00:20:49`, to the nearest second.
    static func clock(_ seconds: Double) -> String {
        let total = Int(min(max(0, seconds), 1e9).rounded())
        let parts = [total / 3600, total / 60 % 60, total % 60]
        return parts.map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
    }
}
