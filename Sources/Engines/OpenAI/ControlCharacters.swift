extension String {
    /// Without what a terminal acts upon or what turns the reading direction round: whole escape sequences (ECMA-48) and
    /// bidirectional embeddings, overrides and isolates go, any other control becomes a space. Line breaks and tabs stay,
    /// and the marks that right-to-left text needs (U+200E, U+200F).
    var withoutControls: String {
        guard unicodeScalars.contains(where: \.isControlling) else { return self }
        var out = String.UnicodeScalarView()
        var rest = unicodeScalars[...]
        // Looked for once where there is none: what follows has none either.
        var hasTerminator = true
        while let scalar = rest.popFirst() {
            switch scalar.value {
            case 0x1B where rest.first == "[":
                rest.removeFirst()
                rest.skipControlSequence()
            case 0x9B: rest.skipControlSequence()
            case 0x1B where rest.first.map { "]PX^_".unicodeScalars.contains($0) } == true:
                rest.removeFirst()
                hasTerminator = hasTerminator && rest.skipControlString()
            case 0x90, 0x98, 0x9D, 0x9E, 0x9F: hasTerminator = hasTerminator && rest.skipControlString()
            case 0x1B: break
            default:
                if !scalar.isControlling {
                    out.append(scalar)
                } else if scalar.properties.generalCategory == .control {
                    out.append(" ")
                }
            }
        }
        return String(out)
    }
}

extension Unicode.Scalar {
    fileprivate var isControlling: Bool {
        switch value {
        case 0x09...0x0D, 0x85: false
        case 0x00...0x1F, 0x7F...0x9F, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}

extension Substring.UnicodeScalarView {
    /// Parameters, intermediates, and the final character.
    fileprivate mutating func skipControlSequence() {
        while let next = first, (0x20...0x3F).contains(next.value) { removeFirst() }
        if let next = first, (0x40...0x7E).contains(next.value) { removeFirst() }
    }

    /// Up to its terminator. False where it has none: the text that follows is no part of it then.
    fileprivate mutating func skipControlString() -> Bool {
        var rest = self
        while let next = rest.popFirst() {
            if next.value == 0x1B, rest.first == "\\" { rest.removeFirst() }
            if [0x07, 0x1B, 0x9C].contains(next.value) {
                self = rest
                return true
            }
        }
        return false
    }
}
