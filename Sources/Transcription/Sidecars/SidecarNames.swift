package import SystemSupport

/// How the files that belong to one recording are called. Names are bytes: a name that is not UTF-8 keeps its bytes.
package struct SidecarNames: Sendable, Hashable {
    /// Longest name in bytes. The file system takes 255; the rest is for the temporary name that a file has while it is
    /// written (`.NAME.PID.tmp`), which must differ for each file of a set.
    private static let maximumName = 240
    /// Longest ending, so that all files of a recording share one stem.
    private static let maximumEnding = ".status.txt".utf8.count

    /// What stands before `.txt`.
    package let base: RawName

    /// - Parameters:
    ///   - recording: the file's name without folders (`talk.mp3`).
    ///   - keepingExtension: for the second recording of a stem: `a.wav.txt` beside `a.txt`.
    ///   - number: from 2 on it stands behind the stem, `talk (2).txt`: where a person has edited `talk.txt`.
    package init(for recording: RawName, keepingExtension: Bool = false, number: Int = 1) {
        let stem = keepingExtension ? recording.bytes[...] : Self.stem(of: recording.bytes)
        let suffix = number > 1 ? Array(" (\(number))".utf8) : []
        let room = Self.maximumName - Self.maximumEnding - suffix.count
        base = RawName(bytes: Self.shortened(stem, to: room) + suffix)
    }

    /// The names to try for a recording, in order: the stem, the whole name, then the whole name with a number. The
    /// caller takes the first one that no other recording of the folder has.
    package static func candidate(_ attempt: Int, for recording: RawName) -> SidecarNames {
        SidecarNames(for: recording, keepingExtension: attempt > 0, number: attempt)
    }

    /// `talk.srt`; the page of `status.mp3` is `status.transcript.html`.
    /// - Parameter language: of subtitles, whose name is `talk.en.srt` then; as `SubtitleFiles.language` has it.
    package func name(_ format: SidecarFormat, language: String? = nil) -> RawName {
        // The page of the whole queue is called status.html.
        let isPageOfAll = format == .html && base.bytes.map { $0 | 0x20 } == Array("status".utf8)
        if isPageOfAll { return appending(".transcript.html") }
        guard let language, format.isSubtitle else { return appending(".\(format.fileExtension)") }
        return appending(".\(language).\(format.fileExtension)")
    }

    /// Whether subtitles of one format may have this name, whatever their language.
    func isName(_ name: RawName, of format: SidecarFormat) -> Bool {
        if name == self.name(format) { return true }
        let ending = Array(".\(format.fileExtension)".utf8)
        guard format.isSubtitle, name.bytes.starts(with: base.bytes + [0x2E]),
            name.bytes.suffix(ending.count).elementsEqual(ending),
            name.bytes.count > base.bytes.count + 1 + ending.count
        else { return false }
        let code = String(
            decoding: name.bytes[(base.bytes.count + 1)..<(name.bytes.count - ending.count)], as: UTF8.self)
        return LanguageTag(code)?.primary == code
    }
    /// `talk.status.txt`: in the outbox while the recording is on its way.
    package var status: RawName { appending(".status.txt") }
    /// `talk.error.txt`: in the outbox after a failure.
    package var error: RawName { appending(".error.txt") }

    private func appending(_ ending: String) -> RawName { RawName(bytes: base.bytes + Array(ending.utf8)) }

    /// The name without its extension; dots at the beginning or end are no extension. Where the result would end in
    /// `.status` or `.error` the extension stays: `talk.error.mp3` must not take the place of the notices of `talk.mp3`.
    private static func stem(of name: [UInt8]) -> ArraySlice<UInt8> {
        var whole = name[...]
        while whole.last == 0x2E, whole.contains(where: { $0 != 0x2E }) { whole.removeLast() }
        guard let dot = whole.lastIndex(of: 0x2E), whole[..<dot].contains(where: { $0 != 0x2E }) else { return whole }
        let stem = whole[..<dot]
        return isReserved(stem) ? whole : stem
    }

    /// Whether a sidecar of this stem could be taken for a notice.
    static func isReserved(_ stem: ArraySlice<UInt8>) -> Bool {
        [".status", ".error"].contains { stem.suffix($0.utf8.count).elementsEqual($0.utf8) }
    }

    /// With a digest of the whole stem behind it, so that two long names stay two.
    private static func shortened(_ stem: ArraySlice<UInt8>, to room: Int) -> [UInt8] {
        guard stem.count > room else { return Array(stem) }
        let mark = mark(of: stem)
        return cut(stem, to: room - mark.count) + mark
    }

    /// `~` and eight digits that tell one name from another.
    static func mark(of name: ArraySlice<UInt8>) -> [UInt8] {
        let digest = Array(name).withUnsafeBytes { SHA256.digest(of: $0) }
        return Array("~\(digest.description.prefix(8))".utf8)
    }

    /// At most `room` bytes of a name, cut between UTF-8 characters.
    static func cut(_ name: ArraySlice<UInt8>, to room: Int) -> [UInt8] {
        guard name.count > room else { return Array(name) }
        var end = name.startIndex + room
        var steps = 0
        while steps < 3, end > name.startIndex, name[end] & 0xC0 == 0x80 {
            end -= 1
            steps += 1
        }
        if name[end] & 0xC0 == 0x80 { end += steps }  // not UTF-8: no boundary to keep
        return Array(name[..<end])
    }
}
