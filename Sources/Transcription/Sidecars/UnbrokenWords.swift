/// Joins words that belong on one line: an article and what it stands before, a number and its unit, a title and a name, and
/// punctuation that stands alone, as before French question marks.
struct UnbrokenWords {
    private let rules: CueRules

    init(_ rules: CueRules) { self.rules = rules }

    /// The words in their order; joined where the result fits a line and nobody pauses in between.
    func joined(_ words: [CueToken]) -> [CueToken] {
        var out: [CueToken] = []
        for word in withPunctuation(words) {
            if var before = out.last, word.start - before.end <= rules.chained,
                let columns = maximumColumns(before.lastWord, word.firstWord),
                before.columns + word.columns + (word.spaceBefore ? 1 : 0) <= columns,
                word.end - before.start <= rules.maximumDuration
            {
                before.append(word)
                out[out.count - 1] = before
            } else {
                out.append(word)
            }
        }
        return out
    }

    /// Punctuation that stands alone joined to its word. It is not spoken: times that an engine gives it in a pause do not
    /// count.
    private func withPunctuation(_ words: [CueToken]) -> [CueToken] {
        var out: [CueToken] = []
        for word in words {
            guard var before = out.last, before.columns + word.columns + 1 <= rules.lineColumns else {
                out.append(word)
                continue
            }
            let isPause = word.start - before.end > rules.chained
            if word.text.isClosingPunctuation
                || word.text.isDash && WrittenText.ending(of: before.text) == .none && !before.text.isDash
            {
                let end = isPause ? before.end : word.end
                before.append(word)
                before.end = end
                out[out.count - 1] = before
            } else if before.text.isOpeningPunctuation || before.text.isDash {
                if isPause { before.start = word.start }
                before.append(word)
                out[out.count - 1] = before
            } else {
                out.append(word)
            }
        }
        return out
    }

    /// Columns that the two may take together; nil where they may be parted.
    private func maximumColumns(_ first: Substring, _ second: Substring) -> Int? {
        if Self.signs.contains(String(first)), second.bareStart.first?.isNumber == true { return rules.lineColumns }
        guard WrittenText.ending(of: first) == .none else { return nil }
        if rules.functionWords.particles.contains(second.bareWord) { return rules.lineColumns / 2 }
        let isJoined =
            rules.functionWords.articles.contains(first.lowercased().bareStart) || WrittenText.isTitle(first)
            || first.isNumber && (Self.units.contains(second.bareWord) || second.isGroupOfDigits)
        return isJoined ? rules.lineColumns : nil
    }

    private static let units: Set<String> = Set(
        """
        % ‰ ° °C °F € $ £ ¥ ₽ zł Kč kr m km cm mm m² m³ km² km/h g kg mg t l ml s ms min h Min Std Hz kHz MHz GHz B kB KB MB GB
        TB W kW MW kWh V A Uhr Prozent Euro percent pour por per cento ciento euros dollars pounds million millions billion
        Millionen Milliarden Mio Mrd Tsd процентов процента рублей рубля тысяч тысячи миллионов миллиона час часа часов
        """.split(whereSeparator: \.isWhitespace).map(String.init))

    /// A number belongs to them, full stop or not.
    private static let signs: Set<String> = [
        "$", "€", "£", "¥", "§", "§§", "№", "#", "+", "-", "−", "±", "Nr", "Nr.", "Art.", "Abs.", "Bd.", "Vol.", "Fig.",
        "pp.", "p.", "S.",
    ]
}

extension StringProtocol {
    /// Without punctuation at its ends.
    fileprivate var bareWord: String {
        var word = self[...]
        while let last = word.last, last.isPunctuation, last != "%", last != "‰" { word.removeLast() }
        return word.bareStart
    }

    /// Without quotes and brackets in front.
    fileprivate var bareStart: String { String(drop { $0.isPunctuation && $0 != "%" && $0 != "#" && $0 != "'" }) }

    fileprivate var isNumber: Bool {
        last?.isNumber == true && allSatisfy { $0.isNumber || ".,'’-–+−±/".contains($0) }
    }

    /// As in 10 000.
    fileprivate var isGroupOfDigits: Bool { count == 3 && allSatisfy { $0.isASCII && $0.isNumber } }

    /// Stands alone and belongs to the word before it; marks of repetition and abbreviation of Thai, Lao and Khmer, too.
    fileprivate var isClosingPunctuation: Bool {
        !isEmpty && allSatisfy { "!?:;,.…»”’)]}%؟،؛ๆฯໆៗ".contains($0) }
    }

    /// Behind a sentence it opens the next one, as in dialogues; else it belongs to the word before it.
    fileprivate var isDash: Bool { self == "–" || self == "—" || self == "-" }

    fileprivate var isOpeningPunctuation: Bool { !isEmpty && allSatisfy { "«“‘([{¿¡„".contains($0) } }
}
