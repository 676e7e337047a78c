package import SystemSupport

extension SidecarWriter {
    /// Looks for a whole set with these contents, under the recording's names or numbered ones, with subtitles of whatever
    /// language. Blocks.
    /// - Parameters:
    ///   - digests: of the set.
    ///   - recording: as for `write`.
    /// - Returns: the names in the folder, one for each of `formats`; nil: there is no such set.
    package func find(
        _ digests: Set<Digest>, _ formats: [SidecarFormat], for recording: RawName, keepingExtension: Bool = false
    ) -> [SidecarFormat: RawName]? {
        guard !formats.isEmpty, let folder = try? openFolder() else { return nil }
        for number in 1...Self.maximumNumbers {
            let names = SidecarNames(for: recording, keepingExtension: keepingExtension, number: number)
            var (isTaken, found) = (false, [SidecarFormat: RawName]())
            for format in formats {
                for name in Self.names(of: format, names, in: folder) {
                    guard let digest = try? Self.digest(of: name, in: folder.descriptor) else { continue }
                    isTaken = true
                    if digests.contains(digest) { found[format] = name }
                }
            }
            if formats.allSatisfy({ found[$0] != nil }) { return found }
            // Numbers are given without a break.
            if !isTaken { return nil }
        }
        return nil
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
