import SystemSupport

/// How deep a TOML text nests, found by one pass over its bytes without calling itself: toml++ bounds lists and inline
/// tables but not dotted keys, and all that is done with its tables, their end included, recurses.
///
/// Right for TOML up to the first thing that is none; what follows that is never read.
struct TOMLNesting {
    /// The first line, counted from 1, on which something lies deeper than `Nesting.limit`; nil where nothing does.
    static func lineOfExcess(in text: String) -> Int? {
        var text = text
        return text.withUTF8 { bytes in
            var scan = TOMLNesting(bytes)
            return scan.staysWithin(Nesting.limit) ? nil : scan.line
        }
    }

    /// What a key or a value stands in.
    private struct Level {
        /// Around the current item: tables of the header, lists and inline tables that are open with the keys that led
        /// there.
        var around = 0
        /// Dots of the current key.
        var dots = 0
        /// A key comes, or goes on; the dots of numbers and times count nothing.
        var isInKey = true
        var isInlineTable = false
    }

    private let bytes: UnsafeBufferPointer<UInt8>
    private var at = 0
    private var line = 1
    private var current = Level()
    private var outer: [Level] = []
    /// Nothing but white space since the line began.
    private var isAtLineStart = true
    private var isInHeader = false

    private init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    private mutating func staysWithin(_ limit: Int) -> Bool {
        while at < bytes.count {
            let byte = bytes[at]
            at += 1
            let isFirst = isAtLineStart
            if byte != 0x20, byte != 0x09 { isAtLineStart = false }
            switch byte {
            case UInt8(ascii: "\n"): endLine()
            case UInt8(ascii: "#"): while at < bytes.count, bytes[at] != UInt8(ascii: "\n") { at += 1 }
            case UInt8(ascii: "\""), UInt8(ascii: "'"): skipString(byte)
            case UInt8(ascii: "."): if current.isInKey { current.dots += 1 }
            case UInt8(ascii: "="): current.isInKey = isInHeader
            case UInt8(ascii: ","):
                current.dots = 0
                current.isInKey = current.isInlineTable
            case UInt8(ascii: "["), UInt8(ascii: "{"): open(byte, isFirst: isFirst)
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                if let last = outer.popLast() { current = last }
            default: break
            }
            guard current.around + current.dots <= limit else { return false }
        }
        return true
    }

    private mutating func endLine() {
        line += 1
        guard outer.isEmpty else { return }
        if isInHeader { current.around = current.dots + 1 }
        (isInHeader, isAtLineStart) = (false, true)
        (current.dots, current.isInKey) = (0, true)
    }

    private mutating func open(_ byte: UInt8, isFirst: Bool) {
        if isFirst, outer.isEmpty, byte == UInt8(ascii: "[") {
            current = Level()
            isInHeader = true
        }
        guard !isInHeader else { return }
        outer.append(current)
        let isInlineTable = byte == UInt8(ascii: "{")
        current = Level(
            around: current.around + current.dots + 1, isInKey: isInlineTable, isInlineTable: isInlineTable)
    }

    private mutating func skipString(_ quote: UInt8) {
        func isQuote(_ place: Int) -> Bool { place < bytes.count && bytes[place] == quote }
        let isLong = isQuote(at) && isQuote(at + 1)
        if isLong { at += 2 }
        while at < bytes.count {
            let byte = bytes[at]
            if byte == UInt8(ascii: "\n") {
                // A short string ends with its quote or is none.
                guard isLong else { return }
                line += 1
            }
            at += 1
            if byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") {
                if at < bytes.count, bytes[at] == UInt8(ascii: "\n") { line += 1 }
                at += 1
            } else if byte == quote {
                guard isLong else { return }
                guard isQuote(at), isQuote(at + 1) else { continue }
                at += 2
                // Up to two quotes may stand in front of the three at the end.
                while isQuote(at) { at += 1 }
                return
            }
        }
    }
}
