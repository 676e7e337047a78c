import Synchronization
import SystemSupport

/// The settings in force and what was made for them, replaced as one.
final class ActiveSettings: Sendable {
    private let value: Mutex<(ServiceSettings, TranscriptionBackend)>

    init(_ settings: ServiceSettings, _ backend: TranscriptionBackend) {
        value = Mutex((settings, backend))
    }

    var settings: ServiceSettings { value.withLock { $0.0 } }
    var backend: TranscriptionBackend { value.withLock { $0.1 } }
    var both: (settings: ServiceSettings, backend: TranscriptionBackend) { value.withLock { $0 } }

    func replace(_ settings: ServiceSettings, _ backend: TranscriptionBackend) {
        value.withLock { $0 = (settings, backend) }
    }

    /// Nil where the settings do not have it any more.
    func inbox(of job: Job) -> InboxSettings? { settings.inboxes.first { $0.id == job.inbox } }
}
