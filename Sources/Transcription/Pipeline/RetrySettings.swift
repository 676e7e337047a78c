import SystemSupport

/// How often and after what pauses a failed request is repeated.
package struct RetrySettings: Sendable, Hashable {
    /// Repetitions of one chunk's request after the first attempt.
    package var maximumRetries: Int
    /// The pause before the first repetition; doubled for each further one, at most `maximumDelay`.
    package var delay: Duration
    /// The longest pause of our own choice.
    package var maximumDelay: Duration
    /// How long one chunk may be held back altogether by pauses the server asks for; they do not count as attempts.
    package var patience: Duration
    /// How long a recording waits for an engine that has answered before and answers nobody now; its chunks' attempts do
    /// not count meanwhile.
    package var patienceWithOutage: Duration

    package init(
        maximumRetries: Int, delay: Duration, maximumDelay: Duration = .seconds(60),
        patience: Duration = .seconds(900), patienceWithOutage: Duration = .seconds(300)
    ) {
        self.maximumRetries = max(0, maximumRetries)
        self.delay = delay
        self.maximumDelay = maximumDelay
        self.patience = patience
        self.patienceWithOutage = patienceWithOutage
    }

    /// The pause before repetition `number` (from 1): full jitter between nothing and the doubled delay ("Exponential
    /// Backoff And Jitter", AWS Architecture Blog), or the server's own hint and up to a tenth more.
    func pause(before number: Int, hint: Duration?, random: Double) -> Duration {
        if let hint, hint > .zero { return hint + hint * (random / 10) }
        return maximumPause(before: number) * random
    }

    /// The same without jitter.
    func maximumPause(before number: Int) -> Duration {
        Backoff(first: delay, maximum: maximumDelay).pause(after: number)
    }
}
