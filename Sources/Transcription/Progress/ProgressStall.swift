/// Why a recording in work does not go on, and for how long it has been so.
package struct ProgressStall: Sendable, Codable, Hashable {
    package enum Reason: String, Sendable, Codable {
        /// Requests fail, or none is sent, because the engine answers nobody.
        case engineAway
        /// A request is under way, and for far longer than it should take.
        case engineSilent
        /// Other recordings have the engine.
        case turn
    }

    package var reason: Reason
    /// Since the last sign of life.
    package var seconds: Double
    /// For an administrator: what the engine said last; nil: nothing.
    package var cause: String?

    package init(_ reason: Reason, seconds: Double, cause: String? = nil) {
        self.reason = reason
        self.seconds = seconds
        self.cause = cause
    }
}

extension ProgressStall {
    /// What is known at a moment of the chunks that were cut and are not done. Times in seconds.
    package struct Facts: Sendable {
        /// Of each chunk that is asked for the first time: for how long, and how long that should take.
        package var firstAttempts: [(elapsed: Double, expected: Double)] = []
        /// Chunks that failed and wait for the next attempt, or are asked again.
        package var failed = 0
        /// Chunks that nobody has asked for.
        package var unasked = 0
        /// Since the first request that was sent after the last answer; nil: there was none.
        package var unanswered: Double?
        /// Since a chunk was last under way or cut.
        package var idle = 0.0
        /// How long the engine has answered nobody, also not other recordings; nil: it answers.
        package var engineAway: Double?
        /// What the engine said last, where that was a failure.
        package var failure: String?

        package init() {}
    }

    /// What is shorter may be over before anybody has read of it; a person is told within ten seconds.
    private static let minimumSeconds = 8.0
    /// A request that takes so many times longer than it should is one that hangs, as far as anybody can tell.
    private static let patience = 3.0

    /// Nil: it goes on, or has nothing for the engine at the moment.
    package init?(_ facts: Facts) {
        if facts.firstAttempts.isEmpty {
            if facts.failed > 0 {
                let seconds = max(facts.unanswered ?? 0, facts.engineAway ?? 0)
                self.init(.engineAway, seconds: seconds, cause: facts.failure)
            } else if facts.unasked > 0, let away = facts.engineAway {
                self.init(.engineAway, seconds: away, cause: facts.failure)
            } else if facts.unasked > 0, facts.idle >= Self.minimumSeconds {
                self.init(.turn, seconds: facts.idle)
            } else {
                return nil
            }
            return
        }
        guard let unanswered = facts.unanswered, unanswered >= Self.minimumSeconds,
            facts.firstAttempts.allSatisfy({ $0.elapsed > max(Self.minimumSeconds, Self.patience * $0.expected) })
        else { return nil }
        self.init(.engineSilent, seconds: unanswered)
    }
}
