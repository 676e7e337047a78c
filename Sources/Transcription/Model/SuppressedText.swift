/// What an engine said that is no speech: it does not stand in the text, but nobody is to wonder where it went.
package struct SuppressedText: Hashable, Sendable, Codable {
    /// Why it is no speech.
    package enum Reason: String, Sendable, Codable {
        /// A remark about a sound: `[MUSIC]`, `(applause)`, `♪`.
        case sound
        /// Text where nothing, or nothing like it, is to be heard.
        case invention
    }

    /// In samples: from the chunk's start in a `ChunkOutcome`, from the recording's in a `Transcript`.
    package var range: SampleRange
    /// As the engine wrote it.
    package var text: String
    package var reason: Reason

    package init(range: SampleRange, text: String, reason: Reason) {
        self.range = range
        self.text = text
        self.reason = reason
    }
}
