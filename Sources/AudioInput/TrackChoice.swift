package import Transcription

/// Which of the tracks of sound in a file are heard.
package struct TrackChoice: Equatable {
    package enum Reason: Equatable {
        /// There is no other that can be decoded.
        case only
        /// Its language is the one that is expected.
        case language
        /// It is the default one.
        case preset
        case first
        /// They name no languages that differ: one person a track.
        case mixed
    }

    /// More are not mixed.
    static let maximumMix = 32

    /// Places in the list of tracks, counted from 0.
    package let taken: [Int]
    package let reason: Reason

    /// Nil where no track is left.
    /// - Parameters:
    ///   - tracks: of sound, in the order of the file.
    ///   - language: that is expected, as `TranscriptionOptions` has it.
    ///   - tried: what earlier runs have found out about them.
    package init?(of tracks: [SoundTrack], language: String?, tried: TrackTrials) {
        let known = tracks.indices.filter { tracks[$0].isKnown && !tried.unusable.contains($0) }
        let main = known.filter { !tracks[$0].isAside }
        let usable = main.isEmpty ? known : main
        // A track in which nothing is to be heard is no choice, unless there is no other.
        let heard = usable.filter { !tried.silent.contains($0) }
        let candidates = heard.isEmpty ? usable : heard
        guard let first = candidates.first else { return nil }
        func preferred(_ some: [Int]) -> Int? { some.first { tracks[$0].isDefault } ?? some.first }
        let languages = Set(candidates.map { tracks[$0].language.map { TrackLanguage($0) } })
        let wanted = language.map { TrackLanguage($0) }
        if candidates.count == 1 {
            (taken, reason) = ([first], .only)
        } else if languages.count == 1, tried.allowsMix, candidates.count <= Self.maximumMix {
            (taken, reason) = (candidates, .mixed)
        } else if let wanted,
            let match = preferred(candidates.filter { tracks[$0].language.map { TrackLanguage($0) } == wanted })
        {
            (taken, reason) = ([match], .language)
        } else if let preset = candidates.first(where: { tracks[$0].isDefault }) {
            (taken, reason) = ([preset], .preset)
        } else {
            (taken, reason) = ([first], .first)
        }
    }

    /// For `.json`.
    package func selection(of tracks: [SoundTrack]) -> TrackSelection {
        TrackSelection(
            taken: taken.map { $0 + 1 }, count: tracks.count,
            language: taken.count == 1 ? tracks[taken[0]].language : nil)
    }

    /// A sentence for people; nil where the file has one track.
    package func warning(of tracks: [SoundTrack], tried: TrackTrials) -> String? {
        guard tracks.count > 1 else { return nil }
        let names = taken.map { "\($0 + 1)" + (tracks[$0].language.map { " (\($0))" } ?? "") }
        var words = "The file has \(tracks.count) tracks of sound; "
        switch reason {
        case .only: words += "number \(names[0]) was transcribed"
        case .language: words += "number \(names[0]) was transcribed, since it is in the language that was asked for"
        case .preset: words += "number \(names[0]) was transcribed, since the file has it as its default"
        case .first: words += "number \(names[0]) was transcribed, the first"
        case .mixed:
            words +=
                "numbers " + names.joined(separator: ", ")
                + " were mixed and transcribed together, since they name no languages that differ"
        }
        let unusable = tracks.indices.filter { !tracks[$0].isKnown || tried.unusable.contains($0) }.map { "\($0 + 1)" }
        let silent = tried.silent.sorted().filter { !taken.contains($0) }.map { "\($0 + 1)" }
        if !unusable.isEmpty { words += "; \(unusable.joined(separator: ", ")) cannot be decoded here" }
        if !silent.isEmpty { words += "; nothing is to be heard in \(silent.joined(separator: ", "))" }
        if reason == .preset || reason == .first { words += ". For another one, set its language" }
        return words + "."
    }
}

/// What is known of tracks from having tried them.
package struct TrackTrials: Equatable {
    /// Nothing came out of them.
    package var unusable: Set<Int> = []
    /// Nothing is to be heard in them.
    package var silent: Set<Int> = []
    /// Mixing has not failed.
    package var allowsMix = true

    package init(unusable: Set<Int> = [], silent: Set<Int> = [], allowsMix: Bool = true) {
        self.unusable = unusable
        self.silent = silent
        self.allowsMix = allowsMix
    }
}
