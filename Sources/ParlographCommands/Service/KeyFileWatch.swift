import Inbox
import Logging
import ServiceLifecycle
import SystemSupport

/// While recordings wait for an engine that refuses them, the files with the keys are looked at: a new key is taken up
/// without a reload, and nothing else of the configuration.
struct KeyFileWatch: Service {
    private static let pause = Duration.seconds(5)

    let live: LiveSettings
    let service: InboxService
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while (try? await Task.sleep(for: Self.pause)) != nil {
                guard service.waitsForSetup else { continue }
                await look()
            }
        }
    }

    private func look() async {
        guard let change = await BlockingPool.files.run({ live.changeOfKeys() }) else { return }
        logger.notice(
            "key file has changed, it is read again", metadata: ["engines": "\(change.engines.joined(separator: " "))"])
        do {
            try await live.reload(change.settings, into: service, replacing: change.version)
        } catch {
            logger.error("key file is not taken up", metadata: ["error": "\(error)"])
        }
    }
}
