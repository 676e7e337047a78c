package import Inbox

/// Reads the `parlograph.toml` that an office user put into a folder: only what can do no harm.
package enum FolderFileParser {
    /// Groq refuses a longer one, and the recording with it.
    private static let longestPrompt = 800

    /// - Throws: `ConfigurationFault` for the first thing that is wrong. The environment has no say here.
    package static func parse(_ text: String) throws -> FolderChoices {
        let configuration = try ConfigurationText(parsing: text, name: "parlograph.toml")
        let reader = SectionReader("", values: configuration.root, text: configuration, environment: [:])
        var choices = FolderChoices()
        let language = try reader.language("language", default: "auto")
        if reader.isSet("language") { choices.language = language.map { .code($0) } ?? .auto }
        let formats = try reader.strings("formats", default: ["txt"])
        if reader.isSet("formats") {
            choices.formats = try SettingsParser.formats(formats) { reader.fault("formats", $0) }
        }
        let prompt = try reader.string("prompt", default: "")
        guard prompt.count <= longestPrompt else {
            throw reader.fault("prompt", "may have \(longestPrompt) characters, not \(prompt.count).")
        }
        if reader.isSet("prompt") { choices.prompt = prompt }
        let glossary = try reader.words("glossary")
        if reader.isSet("glossary") { choices.glossary = glossary }
        try reader.finish()
        return choices
    }
}
