package import SystemPackage

/// A part of the storage that may be slow or hang by itself: work on it is counted, so that it never takes all threads.
package enum Storage: Hashable, Sendable {
    /// What lies below a folder of the configuration: asking for its device would hang with it.
    case folder(FilePath)
    /// The file system of a file that is open already, by its `st_dev`.
    case device(UInt64)
}

/// How many threads may be busy at the same time, in all and with one storage.
///
/// A storage that has none may always begin one: however many others hang, it goes on.
struct ThreadShares {
    /// With storages together, but for the first one of each.
    let limit: Int
    /// With one storage.
    let perStorage: Int
    private var busy: [Storage: Int] = [:]
    private var total = 0

    init(limit: Int, perStorage: Int) {
        self.limit = limit
        self.perStorage = perStorage
    }

    func mayBegin(on storage: Storage) -> Bool {
        guard let own = busy[storage] else { return true }
        return own < perStorage && total < limit
    }

    mutating func begin(on storage: Storage) {
        busy[storage, default: 0] += 1
        total += 1
    }

    mutating func end(on storage: Storage) {
        guard let own = busy[storage] else { return }
        busy[storage] = own > 1 ? own - 1 : nil
        total -= 1
    }
}
