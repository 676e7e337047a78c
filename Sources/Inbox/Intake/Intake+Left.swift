import Synchronization
import SystemSupport

/// Files of an inbox that are left where they are: two numbers of 64 bits for each. Memory only: after a start each is looked
/// at once more.
struct LeftFiles {
    /// `InboxScan.Decided.mark` by a hash of the path.
    private var marks: [Int: UInt64] = [:]

    var count: Int { marks.count }
    /// As `InboxScan.Decided` has them.
    var all: Set<UInt64> { Set(marks.values) }

    /// - Returns: whether it was not there before.
    mutating func insert(_ path: RawName, mark: UInt64) -> Bool {
        marks.updateValue(mark, forKey: path.hashValue) == nil
    }

    /// - Returns: whether it was there.
    mutating func remove(_ path: RawName) -> Bool {
        !marks.isEmpty && marks.removeValue(forKey: path.hashValue) != nil
    }

    /// Forgets those that are not there any more, after a scan of the whole inbox.
    /// - Returns: whether there were any.
    mutating func keep(_ seen: InboxScan.Decided) -> Bool {
        let before = marks.count
        marks = marks.filter { seen.contains($0.value) }
        return marks.count != before
    }
}

extension Intake {
    /// Files that are no recordings and were left.
    package var foreignCount: Int { state.withLock { $0.foreign.count } }
    /// Recordings that were left since they have subtitles beside them.
    package var subtitledCount: Int { state.withLock { $0.subtitled.count } }

    /// Whether a person should hear of a file that cannot be read.
    func isExpected(_ path: RawName) -> Bool {
        settings.foreignFiles == .fail || ForeignFileRule.expectsTranscript(path.last)
    }

    /// The log names the first of those that are left.
    func nameLeft(_ path: RawName, _ look: CompletenessRule.Look) {
        let isNamed = state.withLock { state in
            guard state.namedLeft < Self.maximumLeftOut else { return false }
            state.namedLeft += 1
            return true
        }
        guard isNamed else { return }
        if case .subtitled = look { log.leftSubtitled(path) } else { log.leftForeign(path) }
    }
}

extension Intake.State {
    /// Something was decided about a file.
    mutating func noteLeft(_ path: RawName, _ outcome: CompletenessRule.Outcome, _ look: CompletenessRule.Look) {
        guard case .leave(let identity) = outcome else {
            let wasLeft = (foreign.remove(path), subtitled.remove(path))
            if wasLeft.0 || wasLeft.1 { revision += 1 }
            return
        }
        let mark = InboxScan.Decided.mark(path, identity)
        decided.insert(mark)
        let isSubtitled = if case .subtitled = look { true } else { false }
        let isNew = isSubtitled ? subtitled.insert(path, mark: mark) : foreign.insert(path, mark: mark)
        let wasOther = isSubtitled ? foreign.remove(path) : subtitled.remove(path)
        if isNew || wasOther { revision += 1 }
    }

    /// Forgets what is not there any more.
    mutating func keepLeft() {
        let gone = (foreign.keep(decided), subtitled.keep(decided))
        if gone.0 || gone.1 { revision += 1 }
    }
}
