extension [Transcript.Gap] {
    /// In the order of the recording, and none over another: lost pieces that meet are one, and what a chunk of its own
    /// tells (an engine that failed at it) is not told a second time.
    package func separated() -> [Transcript.Gap] {
        let failed = filter { $0.cause == .engine }
        var lost: [Transcript.Gap] = []
        for gap in filter({ $0.cause != .engine }).sorted(by: Self.precedes) {
            guard let last = lost.last, gap.range.start <= last.range.end else {
                lost.append(gap)
                continue
            }
            let rest = Swift.max(last.range.end, gap.range.start)
            if last.cause == gap.cause, last.reason == gap.reason, !last.isOpenEnded, !gap.isOpenEnded {
                lost[lost.count - 1].range.end = Swift.max(last.range.end, gap.range.end)
            } else if gap.isOpenEnded || gap.range.end > rest {
                var gap = gap
                gap.range = SampleRange(rest, Swift.max(rest, gap.range.end))
                lost.append(gap)
            }
        }
        return (failed + lost.flatMap { $0.outside(failed) }).sorted(by: Self.precedes)
    }

    private static func precedes(_ a: Transcript.Gap, _ b: Transcript.Gap) -> Bool {
        (a.range.start, a.range.end) < (b.range.start, b.range.end)
    }
}

extension Transcript.Gap {
    /// What is left of it beside others.
    fileprivate func outside(_ others: [Transcript.Gap]) -> [Transcript.Gap] {
        guard !isOpenEnded else { return [self] }
        return others.reduce([self]) { pieces, other in
            pieces.flatMap { piece -> [Transcript.Gap] in
                let (range, cut) = (piece.range, other.range)
                guard cut.start < range.end, range.start < cut.end else { return [piece] }
                return [SampleRange(range.start, cut.start), SampleRange(cut.end, range.end)]
                    .filter { $0.start < $0.end }
                    .map { Transcript.Gap(range: $0, reason: reason, cause: cause) }
            }
        }
    }
}
