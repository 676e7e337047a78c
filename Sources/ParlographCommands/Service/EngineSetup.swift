/// The files that an engine needs and that somebody puts into place, as they were when somebody looked.
package struct EngineSetup: Sendable, Equatable {
    private let found: any Hashable & Sendable

    /// - Parameter found: another value where something has changed that may make an engine work.
    init(_ found: some Hashable & Sendable) { self.found = found }

    package static func == (a: EngineSetup, b: EngineSetup) -> Bool { AnyHashable(a.found) == AnyHashable(b.found) }
}

/// Notices that what an engine needs has come into place, once nobody changes it any more: half of a model is none.
struct SetupChanges {
    private struct Known {
        /// What the engines were made or tried with last.
        var taken: EngineSetup
        var last: EngineSetup
    }

    private var known: [String: Known]

    /// - Parameter first: what the engines find when they are made.
    init(_ first: [String: EngineSetup]) { known = first.mapValues { Known(taken: $0, last: $0) } }

    /// - Parameter now: of the engines that are looked at.
    /// - Returns: those whose files are others than at the first look, and the same as at the last.
    mutating func note(_ now: [String: EngineSetup]) -> [String] {
        return now.filter { name, setup in
            var before = known[name] ?? Known(taken: setup, last: setup)
            defer { known[name] = before }
            let isComplete = setup == before.last && setup != before.taken
            before.last = setup
            if isComplete { before.taken = setup }
            return isComplete
        }.keys.sorted()
    }
}
