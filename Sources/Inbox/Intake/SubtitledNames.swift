import AudioContainers
import SystemPackage
package import SystemSupport

/// The subtitles in a folder, to tell which recordings have some beside them: `talk.srt`, `talk.en.vtt` and
/// `talk.mp3.srt` are those of `talk.mp3`, as players have it. `talk.wav.srt` is not: it is that of `talk.wav`.
package struct SubtitledNames: Sendable {
    private static let endings: Set = ["srt", "vtt"]

    /// The names of subtitles without their ending, and what stands before each dot in these.
    private var beginnings: Set<[UInt8]> = []

    package init() {}

    /// Those of a folder; none where it cannot be listed. Blocks.
    /// - Parameter place: relative to `root`.
    init(of place: RawName, beneath root: borrowing OpenFolder) {
        guard let folder = try? root.opening(place) else { return }
        try? DirectoryLister.forEach(of: folder.descriptor, folder.path.printable) { entry in
            if entry.kind != .directory { add(entry.name) }
            return true
        }
    }

    /// - Parameter name: of any file of the folder.
    package mutating func add(_ name: RawName) {
        guard let dot = name.bytes.lastIndex(of: 0x2E),
            Self.endings.contains(String(decoding: name.bytes[(dot + 1)...], as: UTF8.self).lowercased())
        else { return }
        var beginning = name.bytes[..<dot]
        while !beginning.isEmpty {
            beginnings.insert(Array(beginning))
            guard ForeignFileRule.kind(of: RawName(bytes: Array(beginning))) != .sound,
                let dot = beginning.lastIndex(of: 0x2E)
            else { return }
            beginning = beginning[..<dot]
        }
    }

    /// - Parameter recording: its name without folders.
    package func contains(_ recording: RawName) -> Bool {
        guard !beginnings.isEmpty else { return false }
        let stem = recording.bytes.lastIndex(of: 0x2E).map { recording.bytes[..<$0] } ?? recording.bytes[...]
        return beginnings.contains(Array(stem)) || beginnings.contains(recording.bytes)
    }
}
