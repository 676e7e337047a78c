/// Start and end of a segment or a word, under whatever name servers give them.
struct RawTimestamps {
    private(set) var start: Double?
    private(set) var end: Double?
    /// The unit that servers use for times under these names, if it is not seconds.
    private(set) var unitHint: Double?

    var isEmpty: Bool { start == nil && end == nil }

    /// Names of start and end, the usual first, with what they are counted in. whisper.cpp has hundredths of a second in its
    /// own structures (`t0`), and milliseconds below `offsets`.
    private static let names: [(start: String, end: String, unit: Double?)] = [
        ("start", "end", nil), ("start_time", "end_time", nil), ("startTime", "endTime", nil), ("begin", "end", nil),
        ("begin_time", "end_time", nil), ("from", "to", nil), ("t0", "t1", 100), ("start_ms", "end_ms", 1000),
    ]

    init(json value: JSONValue) {
        if let name = Self.names.first(where: { value[$0.start]?.time != nil })
            ?? Self.names.first(where: { value[$0.end]?.time != nil })
        {
            (start, end, unitHint) = (value[name.start]?.time, value[name.end]?.time, name.unit)
        } else if let offsets = value["offsets"] {
            (start, end, unitHint) = (offsets["from"]?.time, offsets["to"]?.time, 1000)
        } else if let pair = value["timestamp"]?.array, pair.count == 2 {
            // Hugging Face's pipeline; null at the end of a window.
            (start, end) = (pair[0].time, pair[1].time)
        }
    }
}

extension JSONValue {
    /// A start or an end, also as `00:01:02.500`; a little below 0 is inaccuracy, more is no time.
    fileprivate var time: Double? {
        (finiteNumber ?? string.flatMap { $0.contains(":") ? SubtitleReader.seconds($0[...]) : nil })
            .flatMap { $0 < -0.1 ? nil : $0 }
    }
}
