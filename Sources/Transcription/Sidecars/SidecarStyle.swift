/// What people choose of how sidecars look and what they are called. `.json` heeds nothing of it.
package struct SidecarStyle: Sendable, Hashable {
    package var speakers: SpeakerLabels
    package var textTimes: TextTimes
    /// What becomes of remarks about sounds in the text.
    package var sounds: SoundRemarkChoice
    package var subtitles: SubtitleLimits
    package var subtitleFiles: SubtitleFiles

    package init(
        speakers: SpeakerLabels = .change, textTimes: TextTimes = .none, sounds: SoundRemarkChoice = .drop,
        subtitles: SubtitleLimits = SubtitleLimits(), subtitleFiles: SubtitleFiles = SubtitleFiles()
    ) {
        self.speakers = speakers
        self.textTimes = textTimes
        self.sounds = sounds
        self.subtitles = subtitles
        self.subtitleFiles = subtitleFiles
    }
}

/// Where `.txt`, `.md`, `.docx` and `.odt` say when something was said.
package enum TextTimes: String, Sendable, Codable, CaseIterable {
    /// Nowhere.
    case none
    /// In front of each paragraph.
    case paragraph
    /// With the first words of each minute, inside paragraphs as well.
    case minute
}

/// How `.srt` and `.vtt` are called and encoded, for players and editors that want it otherwise.
package struct SubtitleFiles: Sendable, Hashable {
    package enum Names: String, Sendable, CaseIterable {
        case plain = "talk.srt"
        /// As Plex, Jellyfin, Emby and Kodi look for them: the code of ISO 639 before the format's ending.
        case withLanguage = "talk.{language}.srt"
    }

    package enum LineEnds: String, Sendable, CaseIterable { case lf, crlf }

    package var names: Names
    /// They begin with a byte order mark, by which older players on Windows know UTF-8.
    package var hasByteOrderMark: Bool
    package var lineEnds: LineEnds

    package init(names: Names = .plain, hasByteOrderMark: Bool = false, lineEnds: LineEnds = .lf) {
        self.names = names
        self.hasByteOrderMark = hasByteOrderMark
        self.lineEnds = lineEnds
    }

    /// What stands in the names of subtitles: `en`, `yue`; nil: nothing.
    /// - Parameter languages: what may be known of the speech; the first that is a language counts.
    package func language(of languages: String?...) -> String? {
        guard names == .withLanguage else { return nil }
        return languages.lazy.compactMap { $0.flatMap { LanguageTag($0)?.primary } }.first
    }

    /// - Parameter text: with line feeds.
    func encoded(_ text: String) -> [UInt8] {
        let mark: [UInt8] = hasByteOrderMark ? [0xEF, 0xBB, 0xBF] : []
        guard lineEnds == .crlf else { return mark + Array(text.utf8) }
        return mark + text.utf8.flatMap { $0 == 0x0A ? [0x0D, 0x0A] : [$0] }
    }
}
