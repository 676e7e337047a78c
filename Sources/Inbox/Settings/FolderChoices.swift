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
        var out = self
        var language: FolderChoices.Language?
        var (formats, prompt, glossary): ([SidecarFormat]?, String?, [String]?)
        var sounds: SoundRemarkChoice?
        if languageFromPath { language = PathLanguage.suffix(of: path.last).map { .code($0) } }
        var folder = path.folder
        while true {
            let chosen = choices(folder)
            language = language ?? chosen?.language
            if languageFromPath, language == nil { language = PathLanguage.folder(folder.last).map { .code($0) } }
            formats = formats ?? chosen?.formats
            prompt = prompt ?? chosen?.prompt
            glossary = glossary ?? chosen?.glossary
            sounds = sounds ?? chosen?.sounds
            if folder.bytes.isEmpty { break }
            folder = folder.folder
        }
        if let language { out.options.language = language.code }
        if let formats { out.formats = formats }
        if let sounds { out.sounds = sounds }
        out.options.prompt = SpeechHint.text(
            prompt: prompt ?? options.prompt, glossary: glossary ?? self.glossary)
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
