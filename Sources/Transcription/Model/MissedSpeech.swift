/// Speech in a chunk that no text was got for, though the engine answered.
package struct MissedSpeech: Hashable, Sendable, Codable {
    /// Where it is, pauses included, in samples from the chunk's start.
    package var range: SampleRange
    /// How much speech is heard in `range`, in samples.
    package var heard: Int64
    /// A sentence for people.
    package var reason: String
    /// False where it is known only that text is missing, not where: it is told, but no gap is marked.
    package var hasPlace: Bool

    package init(range: SampleRange, heard: Int64, reason: String, hasPlace: Bool) {
        self.range = range
        self.heard = heard
        self.reason = reason
        self.hasPlace = hasPlace
    }
}
