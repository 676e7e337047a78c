package import SystemSupport

extension SidecarWriter {
    /// Whether a whole set with these contents lies in the folder, under the recording's names or numbered ones. Blocks.
    /// - Parameters:
    ///   - digests: of the set.
    ///   - recording: as for `write`.
    package func holds(
        _ digests: Set<Digest>, _ formats: [SidecarFormat], for recording: RawName, keepingExtension: Bool = false
    ) -> Bool {
        guard !formats.isEmpty, let folder = try? openFolder() else { return false }
        for number in 1...Self.maximumNumbers {
            let names = SidecarNames(for: recording, keepingExtension: keepingExtension, number: number)
            let found = formats.map { try? Self.digest(of: names.name($0), in: folder.descriptor) ?? nil }
            if found.allSatisfy({ $0.map(digests.contains) ?? false }) { return true }
            // Numbers are given without a break.
            if found.allSatisfy({ $0 == nil }) { return false }
        }
        return false
    }
}
