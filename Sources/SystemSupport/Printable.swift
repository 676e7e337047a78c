extension Unicode.Scalar {
    /// A terminal or a reader's eye would not take it for the character it is: controls, line and paragraph separators,
    /// what turns the direction of reading round, and what cannot be seen at all. Marks that choose between two looks of
    /// the character before them (in emoji) are none of these.
    package var isUnprintable: Bool {
        if value < 0x7F { return value < 0x20 }
        return switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned: true
        default: properties.isDefaultIgnorableCodePoint && !properties.isVariationSelector
        }
    }

    /// Its bytes of UTF-8 as `\xNN`.
    fileprivate var escaped: String {
        let digits = Array("0123456789abcdef")
        return String(self).utf8.reduce(into: "") { $0 += "\\x\(digits[Int($1 >> 4)])\(digits[Int($1 & 15)])" }
    }
}

// What people and logs are shown passes through here, whoever wrote it: names, contents that a message quotes, the words
// of servers and programs.
extension String {
    /// One line that drives no terminal: whatever is not printable stands as `\xNN`. Done twice it is the same.
    package var printable: String { printable { $0.isUnprintable } }

    /// The same for a text of several lines, whose line feeds stay.
    package var printableLines: String { printable { $0 != "\n" && $0.isUnprintable } }

    private func printable(_ mustEscape: (Unicode.Scalar) -> Bool) -> String {
        guard unicodeScalars.contains(where: mustEscape) else { return self }
        var out = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            if mustEscape(scalar) {
                out.append(contentsOf: scalar.escaped.unicodeScalars)
            } else {
                out.append(scalar)
            }
        }
        return String(out)
    }

    /// A line of JSON with what is not printable as `\uNNNN`: the same values to who reads it.
    package var printableJSON: String {
        guard unicodeScalars.contains(where: \.isUnprintable) else { return self }
        return unicodeScalars.reduce(into: "") { out, scalar in
            guard scalar.isUnprintable else { return out.unicodeScalars.append(scalar) }
            for unit in String(scalar).utf16 {
                let digits = String(unit, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
    }
}
