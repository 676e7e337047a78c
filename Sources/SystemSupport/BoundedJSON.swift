import FoundationEssentials

/// How deep a text from outside may nest. Every reader here calls itself for each level, on threads with stacks of 2 MB
/// and less, and values are let go level by level; nothing honest comes near.
package enum Nesting {
    /// Levels of nesting.
    package static let limit = 64
}

/// JSON that is read back: files of our own that others may have written to.
package enum BoundedJSON {
    /// The value in `bytes`; nil where they hold none, or something nested deeper than `Nesting.limit`, which is found
    /// out before anything recurses. A reader of a whole file, so what is cut short holds none.
    package static func decode<Value: Decodable>(_ type: Value.Type = Value.self, from bytes: some Collection<UInt8>)
        -> Value?
    {
        guard isShallow(bytes) else { return nil }
        return try? JSONDecoder().decode(type, from: Data(bytes))
    }

    /// False also for what is not UTF-8 for certain: JSON in UTF-16 has zero bytes, and its quotes stand elsewhere.
    static func isShallow(_ bytes: some Collection<UInt8>) -> Bool {
        var depth = 0
        var isInString = false
        var isEscaped = false
        for byte in bytes {
            switch byte {
            case 0: return false
            case _ where isEscaped: isEscaped = false
            case UInt8(ascii: "\\") where isInString: isEscaped = true
            case UInt8(ascii: "\""): isInString.toggle()
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                guard !isInString else { continue }
                depth += 1
                if depth > Nesting.limit { return false }
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                if !isInString { depth -= 1 }
            default: break
            }
        }
        return true
    }
}
