package import Inbox
import Transcription

/// Reads the `parlograph.toml` that an office user put into a folder: only what can do no harm.
package enum FolderFileParser {
    /// Groq refuses a longer one, and the recording with it.
    private static let maximumPrompt = 800

    /// - Throws: `ConfigurationFault` for the first thing that is wrong. The environment has no say here.
    package static func parse(_ text: String) throws -> FolderChoices {
        let reader = reader(try ConfigurationText(parsing: text, name: "parlograph.toml"))
        let choices = try choices(reader)
        try reader.finish()
        return choices
    }

    /// - Throws: never, since nothing is set.
    package static func knownKeys() throws -> [SettingsKey] {
        let reader = reader(ConfigurationText())
        _ = try choices(reader)
        return reader.keys
    }

    private static func reader(_ text: ConfigurationText) -> SectionReader {
        SectionReader("", values: text.root, text: text, environment: [:], inherited: .words("that of the inbox"))
    }

    private static func choices(_ reader: SectionReader) throws -> FolderChoices {
        var choices = FolderChoices()
        let language = try reader.language("language", default: "auto")
        if reader.isSet("language") { choices.language = language.map { .code($0) } ?? .auto }
        let formats = try reader.strings("formats", default: ["txt"], .listOf(SidecarFormat.self))
        if reader.isSet("formats") {
            choices.formats = try SettingsParser.formats(formats) { reader.fault("formats", $0) }
        }
        let prompt = try reader.string("prompt", default: "", .shortText(maximum: maximumPrompt))
        if reader.isSet("prompt") { choices.prompt = prompt }
        let glossary = try reader.words("glossary")
        if reader.isSet("glossary") { choices.glossary = glossary }
        let sounds = try reader.choice("sounds", default: SoundRemarkChoice.drop)
        if reader.isSet("sounds") { choices.sounds = sounds }
        let files = SubtitleFiles()
        let times = try reader.choice("txt_times", default: TextTimes.none)
        if reader.isSet("txt_times") { choices.textTimes = times }
        let names = try reader.choice("subtitle_names", default: files.names)
        if reader.isSet("subtitle_names") { choices.subtitleNames = names }
        let hasMark = try reader.boolean("subtitle_bom", default: files.hasByteOrderMark)
        if reader.isSet("subtitle_bom") { choices.hasByteOrderMark = hasMark }
        let lineEnds = try reader.choice("subtitle_line_ends", default: files.lineEnds)
        if reader.isSet("subtitle_line_ends") { choices.lineEnds = lineEnds }
        return choices
    }
}
