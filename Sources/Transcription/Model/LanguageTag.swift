/// A language, however it was written: `pt-BR`, `pt_br`, `english`, `deutsch`, `iw` and `jp` mean what people mean by them.
///
/// Within the program a language is the `description` of one, in the form of BCP 47.
package struct LanguageTag: Hashable, Sendable, CustomStringConvertible {
    /// By ISO 639: of two letters where the language has such a code.
    package let primary: String
    /// By ISO 15924: `Hans`.
    package private(set) var script: String?
    /// By ISO 3166 or UN M.49: `BR`, `419`.
    package private(set) var region: String?
    private var variants: [String] = []

    /// Longer texts are no language, in bytes.
    private static let maximumLength = 64

    /// Nil for what is no language known here, `auto` among it.
    package init?(_ text: String) {
        guard text.utf8.count <= Self.maximumLength else { return nil }
        let lower = text.lowercased().filter { !$0.isWhitespace }
        let parts = lower.split(omittingEmptySubsequences: false) { $0 == "-" || $0 == "_" }.map(String.init)
        guard !parts.contains("") else { return nil }
        let name = LanguageTable.tags[parts.joined()]
        if parts.count > 1, (2...3).contains(parts[0].utf8.count), let primary = LanguageTable.tags[parts[0]],
            let tag = Self(primary: primary, rest: parts.dropFirst())
        {
            self = tag
        } else if let name {
            let parts = name.split(separator: "-")
            guard let tag = Self(primary: String(parts[0]), rest: parts.dropFirst().map { $0.lowercased() }[...])
            else { return nil }
            self = tag
        } else {
            return nil
        }
    }

    /// - Parameter rest: what follows the first part, in lower case.
    private init?(primary: String, rest: ArraySlice<String>) {
        var primary = primary
        var rest = rest
        if primary == "zh", let dialect = rest.first, dialect.utf8.count == 3,
            dialect.utf8.allSatisfy(\.isLowerLetter), let own = LanguageTable.tags[dialect]
        {
            // Chinese has dialects with codes of their own behind its own: zh-yue.
            primary = own
            rest.removeFirst()
        }
        if let script = rest.first, LanguageTable.scripts.contains(script) {
            self.script = script.prefix(1).uppercased() + script.dropFirst()
            rest.removeFirst()
        }
        if let region = rest.first.map({ $0 == "uk" ? "gb" : $0 }),
            LanguageTable.regions.contains(region) || region.utf8.count == 3 && region.utf8.allSatisfy(\.isDigit)
        {
            self.region = region.uppercased()
            rest.removeFirst()
        }
        for variant in rest {
            guard variant.utf8.allSatisfy({ $0.isLowerLetter || $0.isDigit }),
                (5...8).contains(variant.utf8.count)
                    || variant.utf8.count == 4 && variant.utf8.first?.isDigit == true
            else { return nil }
            variants.append(variant)
        }
        self.primary = primary
    }

    /// In the form of BCP 47: `zh-Hant-TW`.
    package var description: String {
        ([primary] + [script, region].compactMap { $0 } + variants).joined(separator: "-")
    }

    /// How speech models write the language, without region or script, in the order in which they are to be tried. Most
    /// have the list of languages of OpenAI's Whisper: one Norwegian, Filipino as Tagalog, and here and there codes that
    /// were withdrawn.
    package var codes: [String] {
        if let withdrawn = Self.withdrawn[primary] { return [primary, withdrawn] }
        let spoken = Self.spoken(primary)
        guard let written = Self.writtenForms[spoken]?.first else { return [primary] }
        return primary == spoken || primary == written ? [spoken, written] : [primary, spoken]
    }

    private static let withdrawn = ["he": "iw", "id": "in", "jv": "jw", "yi": "ji"]
    /// Of languages that are spoken as one, the most usual form first: Norwegian is written in two ways, Filipino is the
    /// standard form of Tagalog.
    private static let writtenForms = ["no": ["nb", "nn"], "tl": ["fil"]]

    /// The language that is heard where this one is written.
    /// - Parameter primary: by ISO 639; one that is not known is its own.
    package static func spoken(_ primary: String) -> String {
        writtenForms.first { $0.value.contains(primary) }?.key ?? primary
    }

    /// What stands in front of script and region, in lower case, also of a tag that is not known here.
    package static func primary(of tag: String) -> String {
        String(tag.lowercased().prefix { $0 != "-" && $0 != "_" })
    }

    /// Whether it is Chinese in traditional characters (true) or simplified ones (false), by its script or its region; nil
    /// where neither tells.
    package var isTraditionalChinese: Bool? {
        guard primary == "zh" else { return nil }
        switch (script, region) {
        case ("Hant", _), (nil, "TW"), (nil, "HK"), (nil, "MO"): return true
        case ("Hans", _), (nil, "CN"), (nil, "SG"), (nil, "MY"): return false
        default: return nil
        }
    }

    /// All names and codes that are known, in lower case and without spaces, to guess what was meant.
    package static var knownNames: some Collection<String> { LanguageTable.tags.keys }
}

extension UInt8 {
    fileprivate var isLowerLetter: Bool { (0x61...0x7A).contains(self) }
    fileprivate var isDigit: Bool { (0x30...0x39).contains(self) }
}
