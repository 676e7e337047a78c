import Inbox
import Logging
import ServiceLifecycle
import SystemSupport

/// Looks at the files that engines need. While recordings wait for an engine that refuses them, a new key is taken up
/// without a reload, and a model or a program that has come into place is tried; nothing else of the configuration is.
struct SetupWatch: Service {
    private static let pause = Duration.seconds(5)

    let live: LiveSettings
    /// Nil as long as it is not made.
    let service: @Sendable () -> InboxService?
    let faults: StandingFaults
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var setups = await BlockingPool.files.run { SetupChanges(live.setups()) }
            var told: Set<String> = []
            while (try? await Task.sleep(for: Self.pause)) != nil {
                await tellOfKeys(&told)
                guard let service = service() else { continue }
                let refused = service.refusedEngines
                if !refused.isEmpty { await lookAtKeys(for: service) }
                let now = await BlockingPool.files.run { live.setups(of: refused) }
                let changed = setups.note(now)
                if !changed.isEmpty { await tryAgain(changed, at: service) }
            }
        }
    }

    private func tellOfKeys(_ told: inout Set<String>) async {
        let unreadable = await BlockingPool.files.run { live.unreadableKeys() }
        for file in told.subtracting(unreadable.keys) { faults.set(.key, at: file, cause: nil) }
        for (file, cause) in unreadable where faults.set(.key, at: file, cause: cause) {
            logger.warning("key file cannot be read", metadata: ["file": "\(file)", "error": "\(cause)"])
        }
        told = Set(unreadable.keys)
    }

    private func lookAtKeys(for service: InboxService) async {
        guard let change = await BlockingPool.files.run({ live.changeOfKeys() }) else { return }
        logger.notice(
            "key file has changed, it is read again", metadata: ["engines": "\(change.engines.joined(separator: " "))"])
        do {
            try await live.reload(change.settings, replacing: change.version) { service }
        } catch {
            logger.error("key file is not taken up", metadata: ["error": "\(error)"])
        }
    }

    private func tryAgain(_ engines: [String], at service: InboxService) async {
        logger.notice(
            "files of an engine have changed, it is tried again",
            metadata: ["engines": "\(engines.joined(separator: " "))"])
        live.forgetOutages(of: engines)
        await service.tryAgain(engines: engines)
    }
}
