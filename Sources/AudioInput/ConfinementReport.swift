import Subprocess
package import SystemPackage

/// How well this machine confines the processes that decode, found out by trying (`ConfinementTrial`).
package enum ConfinementReport: Equatable, Sendable {
    case complete
    /// What was not refused, as the trial calls it.
    case leaks([String])
    /// The kernel has no seccomp, or does not let this process use it.
    case unavailable

    /// Asks the decoder program about itself (`decoder`) and about ffmpeg; takes some ten milliseconds.
    /// - Throws: `SubprocessError` when the program cannot be started.
    package static func find(executable: FilePath = "/proc/self/exe") async throws -> ConfinementReport {
        var leaks: [String] = []
        for process in ["decoder", "ffmpeg"] {
            let outcome = try await run(
                .path(executable), arguments: [DecoderProcess.subcommand, ConfinementTrial.argument, process],
                environment: .custom(["SWIFT_BACKTRACE": "enable=no"]), input: .none, output: .string(limit: 1 << 16),
                error: .discarded)
            guard outcome.terminationStatus == .exited(0) || outcome.terminationStatus == .exited(1) else {
                return .unavailable
            }
            let lines = outcome.standardOutput.split(separator: "\n")
            leaks += lines.filter { $0.hasSuffix(": allowed") }.map { "\(process): \($0.dropLast(9))" }
        }
        return leaks.isEmpty ? .complete : .leaks(leaks)
    }

    /// ffmpeg can open other files: what is left when the kernel has seccomp but no landlock.
    package var lacksLandlock: Bool {
        guard case .leaks(let leaks) = self else { return false }
        return leaks.allSatisfy { $0.hasPrefix("ffmpeg: open") }
    }
}
