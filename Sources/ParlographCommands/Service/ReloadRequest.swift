import Logging
import ServiceLifecycle
import UnixSignals

/// SIGHUP: the configuration is read again and checked. It takes effect at the next start; a running service goes on with
/// the settings it has.
struct ReloadRequest: Service {
    /// Reads the configuration; throws what is wrong with it.
    let check: @Sendable () throws -> Void
    let logger: Logger

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            do {
                try check()
                logger.notice("configuration is valid; restart the service to use it")
            } catch {
                logger.error(
                    "configuration is not valid, the service goes on with the one it has",
                    metadata: ["error": "\(error)"])
            }
        }
    }
}
