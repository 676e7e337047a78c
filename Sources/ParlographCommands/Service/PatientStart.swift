import Inbox
import Logging
import ServiceLifecycle
import Synchronization
import SystemSupport

/// The inbox service as soon as its job journal can be used. Until then it waits as it does later, when a disk fails under
/// it, and can be stopped and given other settings meanwhile.
final class PatientStart: Service {
    /// Of the manager's patience: longer than any pause between two attempts.
    private static let maximumPause = Duration.seconds(120)

    private let open: @Sendable (_ waiting: @Sendable () async -> Void) async throws -> JobJournal
    private let make: @Sendable (JobJournal) -> InboxService
    private let notifier: ServiceNotifier?
    private let made = Mutex<InboxService?>(nil)

    /// - Parameters:
    ///   - notifier: is told that the start takes longer.
    ///   - open: opens the journal; calls its parameter before each pause.
    ///   - make: makes the service with what is set at that moment.
    init(
        notifier: ServiceNotifier?,
        open: @escaping @Sendable (_ waiting: @Sendable () async -> Void) async throws -> JobJournal,
        make: @escaping @Sendable (JobJournal) -> InboxService
    ) {
        self.notifier = notifier
        self.open = open
        self.make = make
    }

    /// Nil before the journal could be used. Who changes what `make` uses asks for it afterwards.
    var service: InboxService? { made.withLock { $0 } }

    func run() async throws {
        let journal: JobJournal
        do {
            journal = try await cancelWhenGracefulShutdown { [self] in
                try await open {
                    await notifier?.starting(
                        "waiting for the job journal, which cannot be used: see the log", within: Self.maximumPause)
                }
            }
        } catch is CancellationError {
            return
        }
        let service = made.withLock { made in
            let service = make(journal)
            made = service
            return service
        }
        try await service.run()
    }
}
