/// Where sidecars for people say who speaks, if the engine tells. `.json` always does.
package enum SpeakerLabels: String, Sendable, Codable, CaseIterable {
    /// Where another person begins to speak.
    case change
    /// At each paragraph and each subtitle.
    case always
    /// Nowhere.
    case never

    /// What stands in front of what the speaker says, or nil.
    /// - Parameters:
    ///   - speaker: nil where nobody knows who it is, though others have labels.
    ///   - beginsTurn: somebody else spoke before.
    func lead(of speaker: String?, beginsTurn: Bool) -> String? {
        guard self == .always || self == .change && beginsTurn else { return nil }
        return "\(speaker ?? SpeakerLabel.unknown):"
    }
}

extension Transcript {
    /// Somebody who speaks has a label.
    var hasSpeakers: Bool { segments.contains { $0.speaker != nil } }
}

extension Segment {
    /// Somebody else spoke before it.
    /// - Parameter before: nil at the beginning and behind a gap.
    func beginsTurn(after before: Segment?) -> Bool { before == nil || before?.speaker != speaker }
}
