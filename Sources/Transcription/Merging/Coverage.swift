/// How much of a stretch of audio many ranges cover, each counted for itself: found without a look at each of them.
package struct Coverage: Sendable {
    private let starts: Bounds
    private let ends: Bounds

    package init(_ ranges: some Sequence<SampleRange>) {
        let ranges = Array(ranges)
        starts = Bounds(ranges.map(\.start))
        ends = Bounds(ranges.map(\.end))
    }

    /// The samples of `range`, each as many times as it is covered.
    package func samples(in range: SampleRange) -> Int64 { samples(before: range.end) - samples(before: range.start) }

    /// What all ranges together have before `place`: as far as they have begun, less what comes after they have ended.
    private func samples(before place: Int64) -> Int64 { starts.distance(to: place) - ends.distance(to: place) }

    private struct Bounds: Sendable {
        private let places: [Int64]
        /// `sums[k]`: of the first `k` places.
        private let sums: [Int64]

        init(_ places: [Int64]) {
            self.places = places.sorted()
            sums = self.places.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
        }

        /// From each place before `place` to it, all together.
        func distance(to place: Int64) -> Int64 {
            let count = places.firstPlace { $0 >= place }
            return Int64(count) * place - sums[count]
        }
    }
}
