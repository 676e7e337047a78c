package import SystemSupport

/// Names that Windows shows: over SMB others appear as something like `BESPR~1.TXT`, or cannot be opened at all
/// (docs/decisions/0056). A name that it shows stays as it is, byte by byte.
package enum PortableName {
    private static let replacement = UInt8(ascii: "_")
    private static let forbidden = Set("<>:\"/\\|?*".utf8)
    private static let consoles = Set(
        ["con", "prn", "aux", "nul", "clock$", "conin$", "conout$"].map { Array($0.utf8) })
    private static let ports = ["com", "lpt"].map { Array($0.utf8) }
    /// `¹²³` count as digits in names of ports.
    private static let raisedDigits = ["¹", "²", "³"].map { Array($0.utf8) }
    /// What a file system takes.
    private static let maximumBytes = 255

    /// - Parameter name: one path component; one that is not UTF-8 keeps its bytes, apart from those that stand for a
    ///   character of ASCII which Windows forbids.
    /// - Returns: a name that Windows shows, of the same length or up to one byte longer. Different names may become one.
    package static func shown(_ name: RawName) -> RawName {
        var bytes = withoutForbidden(name.bytes)
        while let last = bytes.last, last == 0x20 || last == 0x2E { bytes.removeLast() }
        if bytes.isEmpty { bytes = [replacement] }
        let stem = deviceStem(bytes)
        if isDevice(bytes[..<stem]) { bytes.insert(replacement, at: stem) }
        return RawName(bytes: bytes)
    }

    /// The same with a mark in a name that had to be changed, so that different names stay different where nobody knows
    /// which ones are taken: `a:b` becomes `a_b~` and eight digits.
    package static func distinct(_ name: RawName) -> RawName {
        let shown = shown(name)
        guard shown != name else { return name }
        let mark = RawName(bytes: SidecarNames.mark(of: name.bytes[...]))
        return RawName(bytes: SidecarNames.cut(shown.bytes[...], to: maximumBytes - mark.bytes.count) + mark.bytes)
    }

    /// A folder below an inbox as it is called below the outbox: each component by itself, as `distinct`.
    package static func folder(_ folder: RawName) -> RawName {
        folder.components.reduce(RawName(bytes: [])) { $0.appending(distinct($1)) }
    }

    /// Control characters (of ASCII, and U+0080 to U+009F where it is UTF-8) and what has a meaning in paths.
    private static func withoutForbidden(_ name: [UInt8]) -> [UInt8] {
        let isText = String(validating: name, as: UTF8.self) != nil
        var out: [UInt8] = []
        out.reserveCapacity(name.count + 1)
        for (at, byte) in name.enumerated() {
            let isHighControl = isText && byte == 0xC2 && (0x80...0x9F).contains(name[at + 1])
            if isText, at > 0, name[at - 1] == 0xC2, (0x80...0x9F).contains(byte) { continue }
            let isReplaced = isHighControl || byte < 0x20 || byte == 0x7F || forbidden.contains(byte)
            out.append(isReplaced ? replacement : byte)
        }
        return out
    }

    /// Where the part ends that Windows compares with the names of devices: at the first dot, blanks before it left out.
    private static func deviceStem(_ name: [UInt8]) -> Int {
        var end = name.firstIndex(of: 0x2E) ?? name.count
        while end > 0, name[end - 1] == 0x20 { end -= 1 }
        return end
    }

    private static func isDevice(_ stem: ArraySlice<UInt8>) -> Bool {
        let stem = stem.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
        if consoles.contains(stem) { return true }
        guard let port = ports.first(where: { stem.starts(with: $0) }) else { return false }
        let number = Array(stem.dropFirst(port.count))
        return number.count == 1 && (0x30...0x39).contains(number[0]) || raisedDigits.contains(number)
    }
}

extension SidecarNames {
    /// As `candidate`, with a name that Windows shows.
    package static func portableCandidate(_ attempt: Int, for recording: RawName) -> SidecarNames {
        let shown = PortableName.shown(recording)
        // Once more without the extension: a dot may have stood in front of it.
        var base = PortableName.shown(candidate(attempt, for: shown).base)
        if isReserved(base.bytes[...]) { base = candidate(1, for: shown).base }
        return SidecarNames(for: base, keepingExtension: true)
    }
}
