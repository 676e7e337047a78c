import SystemPackage
import SystemSupport
import Transcription

// Engines and outboxes that are away, as the outboxes' own notes tell it.
extension StatusReporter {
    /// Forgets what is away and is waited for by no recording: it might be told as away for days.
    func forgetIdleOutages() async {
        for outage in backoff.all {
            let inboxes = settings.inboxes.filter { inbox in
                switch outage.place {
                case .outbox(let path): inbox.outbox == path
                case .engine(let name): inbox.engine == name
                }
            }.map(\.id)
            // What cannot be told stays.
            if (try? await journal.openCount(of: inboxes)) == 0 { backoff.lapse(outage.place) }
        }
    }

    private static let maximumNote = Duration.seconds(5)

    /// The one note in each outbox whose recordings wait for an engine. An outbox that does not answer is not waited for.
    /// - Returns: whether all outboxes have what they should.
    func writeOutageNotes() async -> Bool {
        let inboxes = settings.inboxes
        var texts: [FilePath: String] = [:]
        for outage in backoff.all.sorted(by: { $0.since < $1.since }) {
            guard case .engine(let name) = outage.place, outage.isWhole, let fault = outage.fault else { continue }
            for inbox in inboxes where inbox.engine == name && texts[inbox.outbox] == nil {
                texts[inbox.outbox] = OutboxNotices.outageText(fault, since: outage.since)
            }
        }
        let (wanted, notes) = (texts, outageNotes)
        return await withTaskGroup(of: Bool.self) { group in
            for outbox in notes.outboxes.union(inboxes.map(\.outbox)) {
                group.addTask {
                    await notes.calls.run(on: .folder(outbox), within: Self.maximumNote) {
                        notes.update(wanted[outbox], in: outbox)
                    } ?? false
                }
            }
            return await group.reduce(true) { $0 && $1 }
        }
    }
}
