/// Sizes for people.
package enum ByteCount {
    /// `0 B`, `12.3 KB`, `1.0 GB`; a KB is 1024 bytes.
    package static func text(_ bytes: Int64) -> String {
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
