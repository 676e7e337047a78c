/// A turn at an engine, from the engine's side: what it may ask of who gave the turn, and tell about the server.
package struct RequestContext: Sendable {
    /// It goes alone: the server has not shown yet that it accepts us, and nobody follows before it is answered or
    /// `letOthersFollow`.
    package let isFirst: Bool
    /// It goes alone to find out whether an engine that was away is back.
    package let isProbe: Bool
    private let admit: @Sendable () async throws -> Void
    private let follow: @Sendable (Duration) -> Void
    private let learn: @Sendable (RequestAllowance) -> Void
    private let taken: @Sendable () -> Void

    /// A turn that nobody paces, as for `check`; the closures are what the functions of the same meaning call.
    package init(
        isFirst: Bool = false, isProbe: Bool = false, admit: @escaping @Sendable () async throws -> Void = {},
        follow: @escaping @Sendable (Duration) -> Void = { _ in },
        learn: @escaping @Sendable (RequestAllowance) -> Void = { _ in }, taken: @escaping @Sendable () -> Void = {}
    ) {
        self.isFirst = isFirst
        self.isProbe = isProbe
        self.admit = admit
        self.follow = follow
        self.learn = learn
        self.taken = taken
    }

    /// Waits until one more request may be sent in this turn (the same chunk in another form, or to another address). It
    /// counts for the rates like any other and goes before those who wait for a turn. The turn's own first request needs
    /// no call.
    /// - Throws: `CancellationError`, also where the recording is over.
    package func again() async throws { try await admit() }

    /// The server accepts us, as far as can be told, or will not say before the transcript is done.
    package func letOthersFollow(after grace: Duration) { follow(grace) }

    /// The server said how many more requests it takes, and until when.
    package func report(_ allowance: RequestAllowance) { learn(allowance) }

    /// A server took a request as a whole, though nothing came of it: there is one.
    package func noteTaken() { taken() }

    /// The same, calling `sent` for each request after the first.
    func counting(_ sent: @escaping @Sendable () -> Void) -> RequestContext {
        RequestContext(
            isFirst: isFirst, isProbe: isProbe,
            admit: { [admit] in
                try await admit()
                sent()
            }, follow: follow, learn: learn, taken: taken)
    }
}

/// What a server says is left of its own count of requests (`x-ratelimit-remaining-*`, `x-ratelimit-reset-*`).
package struct RequestAllowance: Sendable, Hashable {
    /// Requests.
    package var remaining: Int
    /// From now until more are allowed.
    package var reset: Duration

    package init(remaining: Int, reset: Duration) {
        self.remaining = remaining
        self.reset = reset
    }
}
