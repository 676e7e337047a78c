import Logging
import SystemSupport
import Transcription

// From a complete recording to a job, and what is told of one that is not complete.
extension IntakeSupervisor {
    func enqueue(_ arrival: Intake.Arrival, _ inbox: InboxSettings) async throws {
        let path = arrival.path
        let job = try await journal.enqueue(
            inbox: inbox.id,
            sharingOutbox: settings.inboxes.filter { $0.outbox == inbox.outbox }.map(\.id),
            path: path, identity: arrival.identity, now: UnixTime.now()
        ) { isTaken in
            for attempt in 0..<1000 {
                let candidate = path.folder.appending(SidecarNames.candidate(attempt, for: path.last).base)
                if try !isTaken(candidate) { return candidate }
            }
            throw TranscriptionError(.internalFault, "\(path.printable): every name for its sidecars is taken.")
        }
        guard let job else { return }
        notes.put(nil, base: IncompleteNote.base(path), outbox: inbox.outbox)
        logger.info(
            "recording found",
            metadata: ["file": "\(path.printable)", "bytes": "\(arrival.identity.byteCount)", "job": "\(job.id)"])
        wake.signal()
        board.noteChange()
    }

    /// A person hears what a recording lacks, or no longer hears it.
    func tell(_ incomplete: Intake.Incomplete, _ inbox: InboxSettings) async {
        if incomplete.isGivenUp { board.noteIncomplete() }
        let path = incomplete.path
        do {
            switch incomplete.reason {
            case .short(_, let identity):
                try await journal.noteShort(path, identity, in: inbox.id)
            case .unreadable, nil: try await journal.forgetShort(path, in: inbox.id)
            }
        } catch {
            // The note is written all the same; at the next start nothing is known of it.
            logger.warning("incomplete recording cannot be remembered", metadata: ["error": "\(error)"])
        }
        let text = incomplete.reason.map { IncompleteNote.text(path, $0) }
        guard text != nil || !incomplete.isGivenUp else { return }
        notes.put(text, base: IncompleteNote.base(path), outbox: inbox.outbox)
    }
}
