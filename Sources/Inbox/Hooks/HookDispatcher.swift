package import Logging
import Synchronization
package import SystemSupport

/// Has programs and webhooks called for recordings that were delivered or have failed: from the journal, beside
/// everything else, and again where it fails. Nothing waits for it.
package final class HookDispatcher: Sendable {
    let current: ActiveSettings
    let journal: JobJournal
    let logger: Logger
    /// Is signalled when there may be somebody to be told.
    package let wake = AsyncSignal()
    private let lanes = HookLanes()
    private let send: WebhookSender
    private let surroundings: Surroundings
    private let changed: @Sendable () -> Void

    /// What is replaced in tests.
    package struct Surroundings: Sendable {
        /// Seconds since 1970.
        var now: @Sendable () -> Int64
        /// Waits for a signal, at most so long.
        var wait: @Sendable (AsyncSignal, Duration) async -> Void
        /// Of 0..<1.
        var random: @Sendable () -> Double

        package init(
            now: @escaping @Sendable () -> Int64 = UnixTime.now,
            wait: @escaping @Sendable (AsyncSignal, Duration) async -> Void = { await $0.wait(atMost: $1) },
            random: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) }
        ) {
            self.now = now
            self.wait = wait
            self.random = random
        }
    }

    /// A call that waits for nothing else is looked for so often at least.
    private static let maximumPause: Int64 = 60
    /// What was given up is tried again after a reload, if it is not older: a week, in seconds.
    private static let reloadRevives: Int64 = 7 * 86_400

    /// - Parameter changed: is called when what `troubles` tells is different.
    init(
        current: ActiveSettings, journal: JobJournal, logger: Logger, send: @escaping WebhookSender,
        surroundings: Surroundings = Surroundings(), changed: @escaping @Sendable () -> Void = {}
    ) {
        self.current = current
        self.journal = journal
        self.logger = logger
        self.send = send
        self.surroundings = surroundings
        self.changed = changed
    }

    /// One that works by itself, with nobody beside it to be told.
    package convenience init(
        settings: ServiceSettings, backend: TranscriptionBackend, journal: JobJournal, logger: Logger,
        surroundings: Surroundings, send: @escaping WebhookSender
    ) {
        self.init(
            current: ActiveSettings(settings, backend), journal: journal, logger: logger, send: send,
            surroundings: surroundings)
    }

    /// What fails at the moment.
    package var troubles: [HookTrouble] { lanes.troubles }

    /// Webhooks whose servers want no more calls, by their inboxes.
    var switchedOff: Set<RawName> { lanes.switchedOff }

    /// Calls whoever is to be called, until `isLast` is true and nobody is called any more.
    /// - Parameters:
    ///   - isLast: nothing is added any more.
    ///   - mayBegin: false: no further call is begun.
    /// - Throws: `CancellationError`.
    package func run(until isLast: @Sendable () -> Bool, mayBegin: @Sendable () -> Bool) async throws {
        await forgetUnwanted()
        await lookForTroubles()
        try await withThrowingDiscardingTaskGroup { group in
            while true {
                try Task.checkCancellation()
                let isLast = isLast()
                let (calls, pause) = mayBegin() ? await next() : ([], Self.maximumPause)
                for call in calls {
                    group.addTask { [self] in
                        await attempt(call)
                        lanes.end(call)
                        wake.signal()
                    }
                }
                if isLast, calls.isEmpty, lanes.isIdle { return }
                if calls.isEmpty { await surroundings.wait(wake, .seconds(max(1, pause))) }
            }
        }
    }

    /// The calls that begin now, and after how many seconds to look again if nothing happens before.
    private func next() async -> ([HookCall], Int64) {
        var calls: [HookCall] = []
        var pause = Self.maximumPause
        do {
            for lane in wantedLanes {
                let now = surroundings.now()
                calls += try await begin(lane, now: now)
                pause = min(pause, try await pauseOf(lane, now: now))
            }
        } catch is CancellationError {
            return (calls, pause)
        } catch {
            logger.warning("hooks cannot be looked up, trying again", metadata: ["error": "\(error)"])
        }
        return (calls, pause)
    }

    /// New settings, or whoever asked for them, may have brought everything back.
    package func tryAgain() async {
        lanes.forgetFailures()
        await forgetUnwanted()
        do {
            for lane in wantedLanes {
                try await journal.tryHookCallsAgain(
                    of: lane.inbox, lane.kind, givenUpSince: surroundings.now() - Self.reloadRevives)
            }
        } catch {
            logger.warning("failed hooks are tried again later", metadata: ["error": "\(error)"])
        }
        await lookForTroubles()
        wake.signal()
    }

    private var wantedLanes: [HookLanes.Lane] {
        current.settings.inboxes.flatMap { inbox in
            HookCall.Kind.allCases.filter(inbox.hooks.kinds.contains).map { HookLanes.Lane(inbox: inbox.id, kind: $0) }
        }
    }

    private func forgetUnwanted() async {
        let wanted = Dictionary(
            current.settings.inboxes.map { ($0.id, $0.hooks.kinds) }, uniquingKeysWith: { $0.union($1) })
        if let count = try? await journal.forgetHookCalls(except: wanted), count > 0 {
            logger.notice(
                "hooks that are no longer set are not called for earlier recordings", metadata: ["calls": "\(count)"])
        }
    }

    private func begin(_ lane: HookLanes.Lane, now: Int64) async throws -> [HookCall] {
        let (room, running) = lanes.room(lane, now: now)
        guard room > 0 else { return [] }
        let due = try await journal.dueHookCalls(of: lane.inbox, lane.kind, now: now, limit: room + running.count)
        let calls = due.filter { !running.contains($0.id) }.prefix(room)
        for call in calls { lanes.begin(call) }
        return Array(calls)
    }

    /// In seconds.
    private func pauseOf(_ lane: HookLanes.Lane, now: Int64) async throws -> Int64 {
        guard let rest = lanes.rest(lane, now: now) else { return Self.maximumPause }
        guard rest == 0 else { return rest }
        return try await journal.nextHookCall(of: lane.inbox, lane.kind, after: now).map { $0 - now }
            ?? Self.maximumPause
    }

    // MARK: One call

    private func attempt(_ call: HookCall) async {
        do {
            var call = call
            try await journal.beginHookCall(call.id)
            call.attempts += 1
            do {
                try await perform(call)
                try await journal.endHookCall(call.id)
                try await noteSuccess(of: call)
            } catch let failure as HookFailure {
                try await noteFailure(of: call, failure)
            }
        } catch {
            // Cancelled: the next start takes it up.
            logger.debug("a hook is called again at the next start", metadata: ["error": "\(error)"])
        }
    }

    /// - Throws: `HookFailure`, `CancellationError`.
    private func perform(_ call: HookCall) async throws {
        // Settings that have changed this moment: nobody is to be called.
        guard let inbox = current.settings.inboxes.first(where: { $0.id == call.inbox }) else { return }
        switch call.kind {
        case .program:
            guard let command = inbox.hooks.program(for: call.event) else { return }
            try await HookProgram(command: command, limit: inbox.hooks.limit).run(call, logger: logger(of: call))
        case .webhook:
            guard let webhook = inbox.hooks.webhook else { return }
            try await post(call, to: webhook, of: inbox)
        }
        logger(of: call).debug("hook was called")
    }

    private func post(_ call: HookCall, to webhook: WebhookSettings, of inbox: InboxSettings) async throws {
        guard let secret = webhook.secret else {
            throw HookFailure(webhook.secretFault ?? "The webhook has no secret: set secret_file.")
        }
        let text = webhook.includesText ? await HookText.read(call, outbox: inbox.outbox) : nil
        let request = Webhook.request(
            to: webhook.url, identifier: call.identifier, body: HookEvent(call).json(text: text), secret: secret,
            now: surroundings.now())
        let status: Int
        do {
            status = try await send(request)
        } catch {
            if Task.isCancelled || error is CancellationError { throw CancellationError() }
            throw HookFailure("The webhook's server \(webhook.host) \(error)")
        }
        if let failure = Webhook.failure(status, host: webhook.host) { throw failure }
    }

    private func logger(of call: HookCall) -> Logger {
        var logger = logger
        logger[metadataKey: "hook"] = call.kind == .program ? "\(call.event.key)" : "webhook"
        logger[metadataKey: "job"] = "\(call.job)"
        logger[metadataKey: "file"] = "\(RawName(bytes: call.facts.name).printable)"
        return logger
    }

    private func noteSuccess(of call: HookCall) async throws {
        let lane = HookLanes.Lane(call)
        let wasAway = lanes.noteSuccess(lane)
        if wasAway {
            logger(of: call).notice("hook works again")
            try await journal.tryHookCallsAgain(of: lane.inbox, lane.kind, givenUpSince: nil)
        }
        if wasAway || call.failingSince != nil { await lookForTroubles() }
    }

    private func noteFailure(of call: HookCall, _ failure: HookFailure) async throws {
        ServiceMetrics.noteHookFailure(call)
        let now = surroundings.now()
        let pause = HookSchedule.pause(after: call.attempts, call.kind, random: surroundings.random())
        let until = pause.map { now + max(1, $0.components.seconds) }
        try await journal.postponeHookCall(call.id, until: until, because: failure.description, now: now)
        let isNews = lanes.noteFailure(HookLanes.Lane(call), failure, now: now)
        var metadata: Logger.Metadata = ["error": "\(failure)", "attempts": "\(call.attempts)"]
        if failure.isGone {
            logger(of: call).warning("webhook is switched off until the next reload", metadata: metadata)
        } else if let until {
            metadata["again_in"] = "\(until - now) s"
            logger(of: call).log(level: isNews ? .warning : .debug, "hook failed, trying again", metadata: metadata)
        } else {
            logger(of: call).error("hook is given up", metadata: metadata)
        }
        await lookForTroubles()
    }

    private func lookForTroubles() async {
        guard let troubles = try? await journal.hookTroubles(), lanes.setTroubles(troubles) else { return }
        changed()
    }
}
