package import SystemPackage

/// A file name or relative path as the bytes the kernel has: not necessarily UTF-8, never empty of meaning.
package struct RawName: Hashable, Sendable, Comparable {
    /// Without a terminating NUL.
    package let bytes: [UInt8]

    package init(bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }

    package init(_ path: FilePath) {
        self.bytes = path.withPlatformString { pointer in
            var out: [UInt8] = []
            var at = pointer
            while at.pointee != 0 {
                out.append(UInt8(bitPattern: at.pointee))
                at += 1
            }
            return out
        }
    }

    /// The same bytes as a path.
    package var path: FilePath {
        (bytes.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return FilePath() }
            return FilePath(platformString: base)
        }
    }

    /// For system calls; cheaper than `path`.
    package func withCString<Result>(_ body: (UnsafePointer<CChar>) throws -> Result) rethrows -> Result {
        try (bytes + [0]).withUnsafeBytes { buffer in
            try buffer.withMemoryRebound(to: CChar.self) { characters in
                guard let base = characters.baseAddress else { preconditionFailure("a terminating zero is there") }
                return try body(base)
            }
        }
    }

    /// For people: invalid UTF-8 and what is not printable (see `String.printable`) as `\xNN`, everything else as it is.
    package var printable: String {
        let lossless = String(validating: bytes, as: UTF8.self)
        if let lossless, !lossless.unicodeScalars.contains(where: \.isUnprintable) { return lossless }
        var out = ""
        var rest = bytes[...]
        while let first = rest.first {
            let width = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
            let piece = rest.prefix(width)
            if let text = String(validating: piece, as: UTF8.self),
                !text.unicodeScalars.contains(where: \.isUnprintable)
            {
                out += text
                rest = rest.dropFirst(width)
            } else {
                let digits = Array("0123456789abcdef")
                out += "\\x" + String(digits[Int(first >> 4)]) + String(digits[Int(first & 15)])
                rest = rest.dropFirst()
            }
        }
        return out
    }

    package static func < (a: RawName, b: RawName) -> Bool { a.bytes.lexicographicallyPrecedes(b.bytes) }
}

// Relative paths.
extension RawName {
    /// `self/name`; just `name` when `self` is empty (the root).
    package func appending(_ name: RawName) -> RawName {
        bytes.isEmpty ? name : RawName(bytes: bytes + [0x2F] + name.bytes)
    }

    /// Lies somewhere in the folder `folder`; everything lies in the empty one.
    package func isBelow(_ folder: RawName) -> Bool {
        folder.bytes.isEmpty || (bytes.count > folder.bytes.count && bytes.starts(with: folder.bytes + [0x2F]))
    }

    /// The folder part, empty at the root.
    package var folder: RawName {
        bytes.lastIndex(of: 0x2F).map { RawName(bytes: bytes[..<$0]) } ?? RawName(bytes: [])
    }

    /// The folders and the name, in order; empty for the empty path.
    package var components: [RawName] { bytes.split(separator: 0x2F).map { RawName(bytes: $0) } }

    /// The last component.
    package var last: RawName {
        bytes.lastIndex(of: 0x2F).map { RawName(bytes: bytes[($0 + 1)...]) } ?? self
    }
}
