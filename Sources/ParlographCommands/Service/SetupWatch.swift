import Inbox
import Logging
import ServiceLifecycle
import SystemPackage
import SystemSupport

/// Looks at the files that engines need. While recordings wait for an engine that refuses them, a new key is taken up
/// without a reload, and a model or a program that has come into place is tried; nothing else of the configuration is.
struct SetupWatch: Service {
    private static let pause = Duration.seconds(5)
    /// Longer than any disk or share takes that is well.
    private static let patience = Duration.seconds(5)

    let live: LiveSettings
    /// Nil as long as it is not made.
    let service: @Sendable () -> InboxService?
    let faults: StandingFaults
    let logger: Logger
    /// A file on a share that hangs keeps neither the others nor the end of the service.
    private let calls = TimedCalls()

    init(
        live: LiveSettings, service: @escaping @Sendable () -> InboxService?, faults: StandingFaults, logger: Logger
    ) {
        (self.live, self.service, self.faults, self.logger) = (live, service, faults, logger)
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var setups = SetupChanges(await timed("setups") { live.setups() } ?? [:])
            var told: Set<String> = []
            while (try? await Task.sleep(for: Self.pause)) != nil {
                await tellOfKeys(&told)
                guard let service = service() else { continue }
                let refused = service.refusedEngines
                if !refused.isEmpty { await lookAtKeys(for: service) }
                guard let now = await timed("setups", { live.setups(of: refused) }) else { continue }
                let changed = setups.note(now)
                if !changed.isEmpty { await tryAgain(changed, at: service) }
            }
        }
    }

    private func tellOfKeys(_ told: inout Set<String>) async {
        var unreadable: [String: String] = [:]
        for (name, path) in live.usedKeyFiles {
            let answer = await timed(path) { EngineKey.fault(of: name, path) }
            guard !Task.isCancelled else { return }
            unreadable[path.printable] = answer ?? EngineKey.fault(of: name, path, nil)
        }
        for file in told.subtracting(unreadable.keys) { faults.set(.key, at: file, cause: nil) }
        for (file, cause) in unreadable where faults.set(.key, at: file, cause: cause) {
            logger.warning("key file cannot be read", metadata: ["file": "\(file)", "error": "\(cause)"])
        }
        told = Set(unreadable.keys)
    }

    private func lookAtKeys(for service: InboxService) async {
        guard let answer = await timed("keys", { live.changeOfKeys() }), let change = answer else { return }
        logger.notice(
            "key file has changed, it is read again", metadata: ["engines": "\(change.engines.joined(separator: " "))"])
        do {
            try await live.reload(change.settings, replacing: change.version) { service }
        } catch {
            logger.error("key file is not taken up", metadata: ["error": "\(error)"])
        }
    }

    /// Nil: it does not come back in time.
    /// - Parameter place: what one call at a time is made to.
    private func timed<Value: Sendable>(_ place: FilePath, _ work: @escaping @Sendable () -> Value) async -> Value? {
        await calls.run(on: .folder(place), within: Self.patience, work)
    }

    private func tryAgain(_ engines: [String], at service: InboxService) async {
        logger.notice(
            "files of an engine have changed, it is tried again",
            metadata: ["engines": "\(engines.joined(separator: " "))"])
        live.forgetOutages(of: engines)
        await service.tryAgain(engines: engines)
    }
}
