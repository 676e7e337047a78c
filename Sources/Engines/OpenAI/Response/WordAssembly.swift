import Transcription

/// Makes words of what a server calls words: whisper.cpp gives its model's tokens, `" harsh"`, `"ly"`, `","`.
enum WordAssembly {
    /// The words of `tokens`, in order: tokens that the text writes together are one, with the marks around it. Its time is
    /// that of what is spoken in it: the time of a full stop is the pause behind it. In scripts without spaces each token
    /// that begins with a character of its own is a word.
    /// - Parameter text: which they belong to.
    static func words(of tokens: [RawTranscript.Word], in text: String) -> [RawTranscript.Word] {
        guard tokens.count > 1 else { return tokens }
        let characters = Array(text)
        let places = WordAlignment.places(of: tokens.map(\.text), in: characters)
        let isSpaced = tokens.contains { $0.text.first?.isWhitespace == true }
        var words: [RawTranscript.Word] = []
        var open = Assembly(tokens[0], at: places[0])
        for (token, place) in zip(tokens, places).dropFirst() {
            if open.goesOn(with: token, at: place, in: characters, isSpaced: isSpaced) {
                open.append(token, at: place)
            } else {
                words.append(open.word(in: characters, isSpaced: isSpaced))
                open = Assembly(token, at: place)
            }
        }
        words.append(open.word(in: characters, isSpaced: isSpaced))
        return words
    }

    /// A word that grows.
    private struct Assembly {
        private var joined: RawTranscript.Word
        private var last: RawTranscript.Word
        private var place: Range<Int>?
        private var tokenCount = 1
        private var isSpoken: Bool
        /// Of the tokens in which something is spoken.
        private var probabilities: [Double] = []

        init(_ token: RawTranscript.Word, at place: Range<Int>?) {
            (joined, last, self.place) = (token, token, place)
            isSpoken = WordAlignment.isSpoken(token.text)
            if isSpoken, let known = token.probability { probabilities = [known] }
        }

        func goesOn(
            with token: RawTranscript.Word, at place: Range<Int>?, in text: [Character], isSpaced: Bool
        ) -> Bool {
            guard let before = last.text.last, let first = token.text.first, token.speaker == joined.speaker,
                !before.isWhitespace, !first.isWhitespace
            else { return false }
            if first.isMark { return true }
            let isMark = !WordAlignment.isSpoken(token.text)
            // Marks belong to what stands before them; those that stand before all belong to what follows.
            if isMark || !isSpoken { return true }
            if before.isUnspaced || first.isUnspaced { return false }
            guard let own = self.place, let place, own.upperBound <= place.lowerBound else { return isSpaced }
            return !text[own.upperBound..<place.lowerBound].contains(where: \.isWhitespace)
        }

        mutating func append(_ token: RawTranscript.Word, at place: Range<Int>?) {
            tokenCount += 1
            joined.text += token.text
            last = token
            if let place { self.place = (self.place?.lowerBound ?? place.lowerBound)..<place.upperBound }
            guard WordAlignment.isSpoken(token.text) else { return }
            if !isSpoken { joined.start = token.start }
            joined.end = token.end
            isSpoken = true
            if let known = token.probability { probabilities.append(known) }
        }

        /// Tokens without white space of their own lack what the text has between them: a hyphen, an apostrophe.
        func word(in text: [Character], isSpaced: Bool) -> RawTranscript.Word {
            guard tokenCount > 1 else { return joined }
            var word = joined
            if !probabilities.isEmpty { word.probability = probabilities.reduce(0, +) / Double(probabilities.count) }
            if !isSpaced, let place {
                let written = String(text[place])
                if written.count > word.text.count { word.text = written }
            }
            return word
        }
    }
}

extension [RawTranscript.Word] {
    /// All that is said in them; those that bring their white space along stand as they are.
    var text: String {
        contains { $0.text.first?.isWhitespace == true } ? map(\.text).joined() : map(\.text).joinedAsText()
    }
}

extension Character {
    /// What cannot stand alone: a vowel sign of Thai or Devanagari, an accent, a part of a character whose bytes were cut.
    fileprivate var isMark: Bool {
        guard let scalar = unicodeScalars.first else { return false }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark: return true
        default: return scalar == "\u{FFFD}"
        }
    }
}
