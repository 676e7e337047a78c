import Synchronization
import SystemSupport

/// The foreign files of an inbox that are left where they are: two numbers of 64 bits for each. Memory only: after a start each
/// is looked at once more.
struct ForeignFiles {
    /// `InboxScan.Decided.mark` by a hash of the path.
    private var marks: [Int: UInt64] = [:]

    var count: Int { marks.count }

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

    /// Whether a person should hear of a file that cannot be read.
    func isExpected(_ path: RawName) -> Bool {
        settings.foreignFiles == .fail || ForeignFileRule.expectsTranscript(path.last)
    }

    /// The log names the first of those that are left.
    func nameForeign(_ path: RawName) {
        let isNamed = state.withLock { state in
            guard state.namedForeign < Self.maximumLeftOut else { return false }
            state.namedForeign += 1
            return true
        }
        if isNamed { log.leftForeign(path) }
    }
}

extension Intake.State {
    /// Something was decided about a file.
    mutating func noteForeign(_ path: RawName, _ outcome: CompletenessRule.Outcome) {
        guard case .leave(let identity) = outcome else {
            if foreign.remove(path) { revision += 1 }
            return
        }
        let mark = InboxScan.Decided.mark(path, identity)
        decided.insert(mark)
        if foreign.insert(path, mark: mark) { revision += 1 }
    }
}
