import Logging
import ServiceLifecycle
import SystemSupport
import UnixSignals

/// SIGHUP: the configuration is loaded again. When something is wrong with it, the service goes on with what it has.
struct ReloadRequest: Service {
    /// Reads the configuration and puts it to use; throws what is wrong with it.
    let reload: @Sendable () async throws -> Void
    /// Is told why the configuration was refused; nil: it was taken.
    let refused: @Sendable (_ error: (any Error)?) -> Void
    let logger: Logger
    let notifier: ServiceNotifier?

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            await notifier?.reloading()
            do {
                try await reload()
                refused(nil)
            } catch {
                logger.error(
                    "configuration is not loaded again, the service goes on with the one it has",
                    metadata: ["error": "\(error)"])
                refused(error)
            }
            await notifier?.reloaded()
        }
    }
}
