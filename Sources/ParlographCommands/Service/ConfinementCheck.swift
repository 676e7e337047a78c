import AudioInput

extension Diagnostics {
    /// Whether recordings are decoded in confinement on this machine.
    static func confinement() async -> Finding {
        let subject = "confinement"
        guard let report = try? await ConfinementReport.find() else {
            return .note(subject, "this program cannot be started a second time to see whether decoders are confined")
        }
        switch report {
        case .complete:
            return .fine(subject, "decoders reach nothing but the recording, ffmpeg also the system's libraries")
        case .unavailable:
            return .note(
                subject,
                "this kernel does not let decoders confine themselves (seccomp): what a harmful file makes of a decoder has "
                    + "the rights of the service")
        case .leaks(let leaks):
            guard !report.lacksLandlock else {
                return .note(subject, "this kernel has no landlock: ffmpeg could read other files of the service")
            }
            return .note(subject, "not refused to decoders: \(leaks.joined(separator: ", "))")
        }
    }
}
