/// A track of sound, as ffmpeg tells of it: `Stream #0:1(eng): Audio: aac (LC), 48000 Hz, stereo, fltp (default)`.
package struct SoundTrack: Equatable {
    /// Among all streams of the file.
    package let stream: Int
    /// As the file has it; nil where it does not tell, or tells that it does not know (`und`).
    package let language: String?
    /// ffmpeg knows what it is; whether it can decode it is seen when it does.
    package let isKnown: Bool
    /// Samples a second; nil where it is not known.
    package let rate: Int?
    /// A name of ffmpeg: `5.1(side)`, `stereo`, `6 channels`.
    package let layout: String
    package let depth: SampleDepth
    package let isDefault: Bool
    /// A commentary, or a description for the blind: heard only where there is nothing else.
    package let isAside: Bool
    /// Length by its own tag, in seconds.
    package var seconds: Double?

    /// Nil for a line about something else.
    /// - Parameter line: without what the log puts in front of it.
    package init?(_ line: String) {
        let words = line.drop { $0 == " " }
        let head = "Stream #0:"
        guard words.hasPrefix(head), let kind = words.firstRange(of: ": Audio: ") else { return nil }
        let place = words[words.index(words.startIndex, offsetBy: head.count)..<kind.lowerBound]
        guard let stream = Int(place.prefix { $0.isNumber }), stream < 10_000 else { return nil }
        self.stream = stream
        let code = place.firstIndex(of: "(").map { place[place.index(after: $0)...].prefix { $0 != ")" } } ?? ""
        // Damage leaves what is no code and would be shown to people.
        let isCode = code.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
        language = code.isEmpty || code == "und" || !isCode ? nil : String(code.prefix(16))
        let parts = words[kind.upperBound...].split(separator: ", ").map(String.init)
        let codec = parts.first.map { String($0.prefix { $0 != " " }) } ?? ""
        isKnown = codec != "none"
        let rate = parts.firstIndex { $0.hasSuffix(" Hz") } ?? 0
        self.rate = parts.indices.contains(rate) ? Int(parts[rate].prefix { $0.isNumber }) : nil
        layout =
            rate + 1 < parts.count
            ? String(parts[rate + 1].prefix { $0 != " " || parts[rate + 1].hasSuffix("channels") }) : ""
        depth = Self.depth(of: codec, stored: rate + 2 < parts.count ? parts[rate + 2] : "")
        let marks = words[kind.upperBound...]
        isDefault = marks.contains("(default)")
        isAside = ["(comment)", "(visual impaired)", "(descriptions)", "(karaoke)"].contains { marks.contains($0) }
    }

    /// - Parameter stored: how ffmpeg has the samples: `s32 (24 bit)`, `fltp`.
    private static func depth(of codec: String, stored: String) -> SampleDepth {
        let lossless = ["flac", "alac", "wavpack", "tta", "ape", "mlp", "truehd", "mp4als", "tak"]
        let isWave = codec.hasPrefix("pcm_")
        guard isWave || lossless.contains(codec) else { return .plain }
        if stored.hasPrefix("s32") || stored.hasPrefix("s64") { return .integer }
        return stored.hasPrefix("flt") || stored.hasPrefix("dbl") ? .float : .plain
    }
}
