/// Work that waits for a thread: taken in order, but what is for a storage that has its share of threads already waits
/// beside it, not in front of others.
struct StorageQueue<Element> {
    private struct Line {
        var waiting: [(number: Int, element: Element)] = []
        var head = 0
        var first: Int? { head < waiting.count ? waiting[head].number : nil }

        mutating func take() -> Element {
            let element = waiting[head].element
            head += 1
            if head == waiting.count {
                waiting.removeAll(keepingCapacity: true)
                head = 0
            } else if head > 64, head * 2 > waiting.count {
                waiting.removeFirst(head)
                head = 0
            }
            return element
        }
    }

    private let limit: Int
    private var lines: [Storage?: Line] = [:]
    private var shares: ThreadShares
    /// Threads that are busy with what belongs to no storage.
    private var unbound = 0
    private var lastNumber = 0

    /// - Parameters:
    ///   - limit: of work for no storage, and of work for storages, each by itself.
    ///   - perStorage: of work for one storage.
    init(limit: Int, perStorage: Int) {
        self.limit = limit
        shares = ThreadShares(limit: limit, perStorage: perStorage)
    }

    mutating func append(_ element: Element, on storage: Storage?) {
        lastNumber += 1
        lines[storage, default: Line()].waiting.append((lastNumber, element))
    }

    /// The one that came first of those that may begin; its thread counts as busy from now on.
    mutating func next() -> (element: Element, storage: Storage?)? {
        var found: (number: Int, storage: Storage?)?
        for (storage, line) in lines {
            guard let number = line.first, mayBegin(on: storage) else { continue }
            if found.map({ number < $0.number }) ?? true { found = (number, storage) }
        }
        guard let found, let element = lines[found.storage]?.take() else { return nil }
        let storage = found.storage
        if storage != nil, lines[storage]?.first == nil { lines[storage] = nil }
        if let storage { shares.begin(on: storage) } else { unbound += 1 }
        return (element, storage)
    }

    /// The work that `next` gave is done.
    mutating func end(on storage: Storage?) {
        if let storage { shares.end(on: storage) } else { unbound -= 1 }
    }

    private func mayBegin(on storage: Storage?) -> Bool {
        guard let storage else { return unbound < limit }
        return shares.mayBegin(on: storage)
    }
}
