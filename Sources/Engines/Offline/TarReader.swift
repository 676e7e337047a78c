/// Takes the files out of a tar archive as it comes, in pieces of any length. Links, devices and folders are passed over:
/// only names and bytes of plain files come out.
package struct TarReader {
    /// It is no tar archive, or a number in it makes no sense.
    package struct Garbage: Error {}

    /// What comes out, in the archive's order: a file, its bytes in parts, its end.
    package enum Event {
        /// The path is as it stands in the archive, and not to be trusted.
        case file(path: String, byteCount: Int64)
        /// Valid only during the call.
        case bytes(UnsafeRawBufferPointer)
        /// Also of a file without bytes.
        case endOfFile
    }

    private static let blockBytes = 512
    /// A long name that stands in front of its file.
    private static let maximumName: Int64 = 4096

    private var header: [UInt8] = []
    private var left: Int64 = 0
    private var padding: Int64 = 0
    private var isFile = false
    private var isName = false
    private var name: [UInt8] = []
    private var emptyBlocks = 0

    /// The archive's own end has come.
    package var isComplete: Bool { emptyBlocks >= 2 }

    package init() {}

    /// - Throws: `Garbage`; what `body` throws.
    package mutating func consume(_ bytes: UnsafeRawBufferPointer, _ body: (Event) throws -> Void) throws {
        var rest = bytes
        func take(_ most: Int64) -> UnsafeRawBufferPointer {
            let part = UnsafeRawBufferPointer(rebasing: rest.prefix(Int(min(Int64(rest.count), most))))
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(part.count))
            return part
        }
        while !rest.isEmpty, !isComplete {
            if left > 0 {
                let part = take(left)
                left -= Int64(part.count)
                if isFile { try body(.bytes(part)) }
                if isName { name.append(contentsOf: part) }
                if left == 0 {
                    if isFile { try body(.endOfFile) }
                    isFile = false
                }
            } else if padding > 0 {
                padding -= Int64(take(padding).count)
            } else {
                header.append(contentsOf: take(Int64(Self.blockBytes - header.count)))
                if header.count == Self.blockBytes { try begin(body) }
            }
        }
    }

    private mutating func begin(_ body: (Event) throws -> Void) throws {
        defer { header = [] }
        guard header.contains(where: { $0 != 0 }) else {
            emptyBlocks += 1
            return
        }
        emptyBlocks = 0
        guard header[257..<262].elementsEqual("ustar".utf8), let count = Self.number(header[124..<136]) else {
            throw Garbage()
        }
        let kind = header[156]
        let long = isName ? Self.longName(name) : nil
        // In front of its file: GNU's way, and that of pax.
        (isName, name) = (kind == UInt8(ascii: "L") || kind == UInt8(ascii: "x"), [])
        guard !isName || count <= Self.maximumName else { throw Garbage() }
        left = count
        padding = (Int64(Self.blockBytes) - count % Int64(Self.blockBytes)) % Int64(Self.blockBytes)
        guard kind == UInt8(ascii: "0") || kind == 0 else { return }
        let prefix = header[262] == 0 ? Self.text(header[345..<500]) : ""
        let own = Self.text(header[0..<100])
        isFile = true
        try body(.file(path: long ?? (prefix.isEmpty ? own : "\(prefix)/\(own)"), byteCount: count))
        if count == 0 {
            isFile = false
            try body(.endOfFile)
        }
    }

    /// Pax has lines of a length, a key and a value; nil where it says nothing of the name.
    private static func longName(_ bytes: [UInt8]) -> String? {
        guard bytes.first.map({ (0x30...0x39).contains($0) }) == true, bytes.last == 0x0A else {
            return text(bytes[...])
        }
        for line in bytes.split(separator: 0x0A) {
            let record = String(decoding: line, as: UTF8.self)
            guard let blank = record.firstIndex(of: " ") else { continue }
            let pair = record[record.index(after: blank)...]
            if pair.hasPrefix("path=") { return String(pair.dropFirst("path=".count)) }
        }
        return nil
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// Octal, or binary where the first bit is set.
    private static func number(_ bytes: ArraySlice<UInt8>) -> Int64? {
        if let first = bytes.first, first & 0x80 != 0 {
            let value = bytes.dropFirst(4).reduce(0) { $0 << 8 | Int64($1) }
            return value >= 0 ? value : nil
        }
        let digits = bytes.filter { $0 != 0 && $0 != UInt8(ascii: " ") }
        return digits.isEmpty ? 0 : Int64(String(decoding: digits, as: UTF8.self), radix: 8)
    }
}
