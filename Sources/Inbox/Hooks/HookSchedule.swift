import SystemSupport

/// When what has failed is tried again.
package enum HookSchedule {
    private static let ofPrograms = Backoff(first: .seconds(30), maximum: .seconds(3600))
    /// About a day.
    private static let maximumPrograms = 30
    /// Of Standard Webhooks 1.0.0, in seconds, behind the first attempt: three days and a half in all.
    private static let ofWebhooks: [Int64] = [
        5, 300, 1800, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600,
    ]
    /// So that many who were refused together do not come back together; a part of the pause.
    private static let maximumJitter = 0.2
    /// No pause is longer; one that is comes of a clock that was set back.
    static let maximumPause: Int64 = 30 * 3600

    /// - Parameters:
    ///   - attempts: that have failed, from 1.
    ///   - random: of 0..<1.
    /// - Returns: nil: it is given up.
    package static func pause(after attempts: Int, _ kind: HookCall.Kind, random: Double) -> Duration? {
        switch kind {
        case .program: attempts < maximumPrograms ? ofPrograms.pause(after: attempts) : nil
        case .webhook:
            attempts <= ofWebhooks.count
                ? .seconds(Double(ofWebhooks[attempts - 1]) * (1 + maximumJitter * random)) : nil
        }
    }
}
