/// Draws progress as one line of text. Pure: the same snapshot gives the same line.
package enum ProgressLine {
    private static let widestBar = 30
    private static let narrowestBar = 8

    /// - Parameters:
    ///   - width: the terminal's columns; the line takes one less, so that no terminal wraps it. Ignored otherwise.
    ///   - isTerminal: a bar that is drawn over and over; else a sentence for a log.
    /// - Returns: one line without line break and control characters.
    package static func draw(_ snapshot: ProgressSnapshot, width: Int, isTerminal: Bool) -> String {
        isTerminal ? bar(snapshot, columns: max(0, width - 1)) : sentence(snapshot)
    }

    private static func sentence(_ snapshot: ProgressSnapshot) -> String {
        if snapshot.isFinished {
            return
                "\(snapshot.name): \(chunks(snapshot)), done in \(TimeText.duration(seconds: snapshot.elapsedSeconds))"
        }
        var parts = [chunks(snapshot)]
        if let fraction = snapshot.fraction { parts.append("\(percent(fraction)) %") }
        if let waiting = waiting(snapshot) { parts.append(waiting) }
        if let seconds = snapshot.remainingSeconds { parts.append("about \(TimeText.estimate(seconds: seconds)) left") }
        return "\(snapshot.name): \(parts.joined(separator: ", "))"
    }

    private static func waiting(_ snapshot: ProgressSnapshot) -> String? {
        if let stall = snapshot.stall {
            let time = TimeText.elapsed(seconds: stall.seconds)
            return switch stall.reason {
            case .engineAway: "waiting for the engine, which has not answered for \(time)"
            case .engineSilent: "no answer from the engine for \(time)"
            case .turn: "waiting for its turn"
            }
        }
        return snapshot.engineWaitSeconds.map { "waiting for the engine, \(TimeText.estimate(seconds: $0))" }
    }

    private static func chunks(_ snapshot: ProgressSnapshot) -> String {
        var text: String
        if let expected = snapshot.chunksExpected, !snapshot.isFinished {
            text = "\(snapshot.chunksDone) of \(expected) \(expected == 1 ? "chunk" : "chunks")"
        } else {
            text = "\(snapshot.chunksDone) \(snapshot.chunksDone == 1 ? "chunk" : "chunks")"
        }
        var notes: [String] = []
        if snapshot.chunksCached > 0 { notes.append("\(snapshot.chunksCached) from cache") }
        if snapshot.chunksFailed > 0 { notes.append("\(snapshot.chunksFailed) failed") }
        if !notes.isEmpty { text += " (\(notes.joined(separator: ", ")))" }
        return text
    }

    private static func bar(_ snapshot: ProgressSnapshot, columns: Int) -> String {
        let remaining =
            waiting(snapshot) ?? snapshot.remainingSeconds.map { "\(TimeText.estimate(seconds: $0)) left" }
        let tail =
            snapshot.isFinished ? "done in \(TimeText.duration(seconds: snapshot.elapsedSeconds))" : remaining ?? ""
        let counts = snapshot.chunksExpected.map { "\(snapshot.chunksDone)/\($0)" } ?? "\(snapshot.chunksDone)"
        let percent = snapshot.fraction.map { "\(Self.percent($0)) %" } ?? ""
        // What matters most stays longest when the terminal is narrow: percentage, time, name, chunks, bar.
        let facts = [percent, counts, tail].filter { !$0.isEmpty }.joined(separator: "  ")
        let brief = [percent.isEmpty ? counts : percent, tail].filter { !$0.isEmpty }.joined(separator: "  ")
        let nameColumns = WrittenText.columns(snapshot.name)
        let free = columns - WrittenText.columns(facts) - 2
        if free >= nameColumns + 2 + narrowestBar + 2 {
            let length = min(widestBar, free - nameColumns - 4)
            return "\(snapshot.name)  \(gauge(snapshot.fraction ?? 0, length: length))  \(facts)"
        }
        if free >= min(nameColumns, 12) { return "\(shortened(snapshot.name, to: free))  \(facts)" }
        let rest = columns - WrittenText.columns(brief) - 2
        if rest >= min(nameColumns, 6) { return "\(shortened(snapshot.name, to: rest))  \(brief)" }
        return prefix(brief, columns: columns)
    }

    /// `[=====>    ]`, `length` columns with the brackets.
    package static func gauge(_ fraction: Double, length: Int) -> String {
        let inside = length - 2
        let full = min(inside, max(0, Int(fraction * Double(inside))))
        let head = full < inside ? ">" : ""
        let rest = String(repeating: " ", count: max(0, inside - full - head.count))
        return "[\(String(repeating: "=", count: full))\(head)\(rest)]"
    }

    /// Whole percent, rounded down: 100 means done.
    private static func percent(_ fraction: Double) -> Int { Int(min(1, max(0, fraction)) * 100) }

    /// The name with its middle left out: the beginning and the extension tell most.
    private static func shortened(_ name: String, to columns: Int) -> String {
        guard WrittenText.columns(name) > columns else { return name }
        guard columns >= 4 else { return prefix(name, columns: columns) }
        let back = (columns - 1) / 3
        let end = String(prefix(String(name.reversed()), columns: back).reversed())
        return prefix(name, columns: columns - 1 - back) + "…" + end
    }

    private static func prefix(_ text: String, columns: Int) -> String {
        var out = ""
        var used = 0
        for character in text {
            used += WrittenText.columns(character)
            guard used <= columns else { break }
            out.append(character)
        }
        return out
    }
}
