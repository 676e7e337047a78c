package import SystemSupport

extension SidecarWriter {
    /// Whether a whole set with these contents lies in the folder, under the recording's names or numbered ones, with
    /// subtitles of whatever language. Blocks.
    /// - Parameters:
    ///   - digests: of the set.
    ///   - recording: as for `write`.
    package func holds(
        _ digests: Set<Digest>, _ formats: [SidecarFormat], for recording: RawName, keepingExtension: Bool = false
    ) -> Bool {
        guard !formats.isEmpty, let folder = try? openFolder() else { return false }
        for number in 1...Self.maximumNumbers {
            let names = SidecarNames(for: recording, keepingExtension: keepingExtension, number: number)
            let found = formats.map { format in
                Self.names(of: format, names, in: folder).compactMap {
                    try? Self.digest(of: $0, in: folder.descriptor)
                }
            }
            if found.allSatisfy({ $0.contains(where: digests.contains) }) { return true }
            // Numbers are given without a break.
            if found.allSatisfy(\.isEmpty) { return false }
        }
        return false
    }

    /// What of a recording's set may lie in the folder in one format.
    static func names(of format: SidecarFormat, _ names: SidecarNames, in folder: borrowing OpenFolder) -> [RawName] {
        guard format.isSubtitle else { return [names.name(format)] }
        var found: [RawName] = []
        // A folder that cannot be listed is taken for one without any.
        try? DirectoryLister.forEach(of: folder.descriptor, folder.path.printable) { entry in
            if names.isName(entry.name, of: format) { found.append(entry.name) }
            return found.count < maximumNames
        }
        return found
    }

    /// Removes subtitles of an earlier set that have another name than those of the new one, since another language was
    /// heard or they are called otherwise now. What a person has edited, or has put there, stays.
    /// - Parameters:
    ///   - delivered: the digests of what may be removed.
    ///   - formats: of the new set, with their names.
    static func removeEarlierSubtitles(
        _ names: SidecarNames, besides formats: [SidecarFormat: RawName], delivered: Set<Digest>,
        in folder: borrowing OpenFolder
    ) {
        for (format, current) in formats where format.isSubtitle {
            for name in Self.names(of: format, names, in: folder) where name != current {
                guard let digest = try? digest(of: name, in: folder.descriptor), delivered.contains(digest) else {
                    continue
                }
                // One that cannot be removed is no reason to fail a set that is there.
                try? folder.unlink(name)
            }
        }
    }

    /// There are fewer languages.
    private static let maximumNames = 1000
}
