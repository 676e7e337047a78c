import SystemSupport

/// The folders that an inotify instance watches, relative to the inbox; empty for the inbox itself.
struct WatchedFolders {
    private var paths: [Int32: RawName] = [:]
    private var descriptors: [RawName: Int32] = [:]

    /// By watch descriptor. A folder that got another name keeps its descriptor.
    subscript(descriptor: Int32) -> RawName? {
        get { paths[descriptor] }
        set {
            if let old = paths[descriptor], descriptors[old] == descriptor { descriptors[old] = nil }
            paths[descriptor] = newValue
            if let newValue { descriptors[newValue] = descriptor }
        }
    }

    func contains(_ folder: RawName) -> Bool { descriptors[folder] != nil }

    /// Of a folder and all below it.
    func descriptors(of folder: RawName) -> [Int32] {
        paths.filter { $0.value == folder || $0.value.isBelow(folder) }.map(\.key)
    }
}
