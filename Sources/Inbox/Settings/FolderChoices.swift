package import SystemSupport
package import Transcription

/// What an office user chose for a folder of an inbox, by a `parlograph.toml` in it. nil: nothing was said.
package struct FolderChoices: Sendable, Hashable {
    package enum Language: Sendable, Hashable {
        /// The engine finds out.
        case auto
        case code(String)

        var code: String? { if case .code(let code) = self { code } else { nil } }
    }

    package var language: Language?
    package var formats: [SidecarFormat]?
    package var prompt: String?
    package var glossary: [String]?
    package var sounds: SoundRemarkChoice?
    package var textTimes: TextTimes?
    package var subtitleNames: SubtitleFiles.Names?
    package var hasByteOrderMark: Bool?
    package var lineEnds: SubtitleFiles.LineEnds?

    package init(
        language: Language? = nil, formats: [SidecarFormat]? = nil, prompt: String? = nil, glossary: [String]? = nil,
        sounds: SoundRemarkChoice? = nil
    ) {
        self.language = language
        self.formats = formats
        self.prompt = prompt
        self.glossary = glossary
        self.sounds = sounds
    }

    /// What was said here, and what `other` said besides.
    func completed(by other: FolderChoices) -> FolderChoices {
        var out = self
        out.language = language ?? other.language
        out.formats = formats ?? other.formats
        out.prompt = prompt ?? other.prompt
        out.glossary = glossary ?? other.glossary
        out.textTimes = textTimes ?? other.textTimes
        out.subtitleNames = subtitleNames ?? other.subtitleNames
        out.hasByteOrderMark = hasByteOrderMark ?? other.hasByteOrderMark
        out.lineEnds = lineEnds ?? other.lineEnds
        out.sounds = sounds ?? other.sounds
        return out
    }

    func applied(to style: SidecarStyle) -> SidecarStyle {
        var style = style
        if let textTimes { style.textTimes = textTimes }
        if let subtitleNames { style.subtitleFiles.names = subtitleNames }
        if let hasByteOrderMark { style.subtitleFiles.hasByteOrderMark = hasByteOrderMark }
        if let lineEnds { style.subtitleFiles.lineEnds = lineEnds }
        if let sounds { style.sounds = sounds }
        return style
    }
}

extension InboxSettings {
    /// The settings for one recording: what its name and the folders above it say wins over the inbox.
    ///
    /// The nearest counts: the language in the name, then from the recording's folder up to the inbox each folder's own
    /// choice before what the folder is called. `options.prompt` of the result has the glossary in it.
    /// - Parameters:
    ///   - path: of the recording, relative to the inbox.
    ///   - choices: of a folder, relative to the inbox; empty for the inbox itself.
    package func applied(to path: RawName, choices: (_ folder: RawName) -> FolderChoices?) -> InboxSettings {
        var chosen = FolderChoices()
        if languageFromPath { chosen.language = PathLanguage.suffix(of: path.last).map { .code($0) } }
        var folder = path.folder
        while true {
            if let own = choices(folder) { chosen = chosen.completed(by: own) }
            if languageFromPath, chosen.language == nil {
                chosen.language = PathLanguage.folder(folder.last).map { .code($0) }
            }
            if folder.bytes.isEmpty { break }
            folder = folder.folder
        }
        var out = self
        if let language = chosen.language { out.options.language = language.code }
        if let formats = chosen.formats { out.formats = formats }
        out.style = chosen.applied(to: style)
        out.options.prompt = SpeechHint.text(
            prompt: chosen.prompt ?? options.prompt, glossary: chosen.glossary ?? glossary)
        return out
    }
}

/// The prompt that an engine gets.
package enum SpeechHint {
    /// In characters. Whisper heeds the last 224 tokens only, Groq refuses more than 896 characters, and long lists help
    /// less than short ones.
    package static let maximumCharacters = 600

    /// The prompt as it is, and behind it as many words of the glossary as fit into `maximumCharacters`; nil when there is
    /// nothing.
    package static func text(prompt: String?, glossary: [String]) -> String? {
        let text = composed(prompt, glossary).text
        return text.isEmpty ? nil : text
    }

    /// How many words of the glossary fit.
    package static func fitting(prompt: String?, glossary: [String]) -> Int { composed(prompt, glossary).words }

    private static func composed(_ prompt: String?, _ glossary: [String]) -> (text: String, words: Int) {
        var text = prompt ?? ""
        var length = text.count
        for (number, word) in glossary.enumerated() {
            let more = number > 0 ? ", " + word : text.isEmpty ? word : " " + word
            length += more.count
            guard length <= maximumCharacters else { return (text, number) }
            text += more
        }
        return (text, glossary.count)
    }
}
