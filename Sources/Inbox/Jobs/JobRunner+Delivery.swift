import FoundationEssentials
import Glibc
import SystemPackage
import SystemSupport
import Transcription

// From the transcript to its sidecars, and what of that was done before.
extension JobRunner {
    func deliver(
        _ transcript: Transcript, of job: Job, to inbox: InboxSettings, run: RunFacts
    ) async throws {
        var facts: HookFacts?
        do {
            let link = await BlockingPool.files.run(on: .folder(FinishedSource.target(of: inbox, as: .delivered))) {
                Self.link(to: job, inbox)
            }
            let rendered = await BlockingPool.files.run {
                Sidecar.renderSet(transcript, inbox.formats, run: run, style: inbox.style, recording: link)
            }
            var known = try await journal.knownDigests(inbox: job.inbox, base: job.sidecarBase)
            // A recording that replaced the one of this name in place replaces its transcript; a different one that came
            // under a name used before must not wipe out what was delivered then.
            let names = SidecarNames(for: job.sidecarBase.last, keepingExtension: true)
            let record = await BlockingPool.files.run(on: .folder(inbox.outbox)) { () -> SidecarRecord? in
                guard let folder = try? OpenFolder(root: inbox.outbox).opening(job.sidecarBase.folder) else {
                    return nil
                }
                return SidecarRecord(names, in: folder)
            }
            if record?.source == transcript.source.sha256 {
                known.formUnion(record?.digests ?? [])
            } else if inbox.after != .keep, try await journal.hasEarlierDelivery(than: job) {
                known = Set(job.sidecarDigests)
            }
            let ours = rendered.values.map { bytes in bytes.withUnsafeBytes { SHA256.digest(of: $0) } }
            facts = HookFacts(ifWantedOf: transcript, of: job, to: inbox, run: run, at: UnixTime.now())
            try await journal.recordDelivery(
                job.id, digests: ours, outcome: transcript.isPartial ? .partial : .delivered,
                lostSamples: transcript.lostSampleCount, coverage: transcript.coverage, facts: facts)
            let replaceable = known.union(ours)
            let language = inbox.style.subtitleFiles.language(of: transcript.language, inbox.options.language)
            let written = try await BlockingPool.files.run(on: .folder(inbox.outbox)) {
                try SidecarWriter(root: inbox.outbox, subfolder: job.sidecarBase.folder.components).write(
                    rendered, for: job.sidecarBase.last, keepingExtension: true, language: language,
                    overwrite: .ifUnedited(replaceable))
            }
            facts?.sidecars = Self.toldSidecars(written.map { ($0.format, $0.name) }, of: job)
        } catch let error as SystemError {
            throw Self.cannotWrite(to: inbox.outbox, error)
        }
        try await close(job, inbox, as: transcript.isPartial ? .partial : .delivered, facts)
    }

    /// Where a page in the outbox will find the recording when that is out of its inbox; nil where its readers do not see
    /// that folder, since it lies elsewhere than the outbox does, or where another file has the name already. Blocks.
    private static func link(to job: Job, _ inbox: InboxSettings) -> RelativeLink? {
        guard inbox.formats.contains(.html), inbox.after != .delete else { return nil }
        let target = FinishedSource.target(of: inbox, as: .delivered).pushing(job.path.path)
        guard target.starts(with: inbox.outbox.removingLastComponent()) else { return nil }
        guard inbox.after == .keep || (try? FileStatus(at: target)) == nil else { return nil }
        return RelativeLink(from: inbox.outbox.pushing(job.sidecarBase.folder.path), to: target)
    }

    /// The sidecars are in place.
    /// - Parameters:
    ///   - facts: for hooks; nil: as the journal has them.
    ///   - sidecars: what was found in the outbox, in place of what the journal's facts have.
    func close(
        _ job: Job, _ inbox: InboxSettings, as outcome: Job.State, _ facts: HookFacts? = nil,
        sidecars: [String: Data]? = nil
    ) async throws {
        let hooks = HookOrder(.delivered, inbox.hooks.kinds(for: .delivered), facts, sidecars: sidecars)
        try await journal.finish(job.id, state: outcome, error: nil, hooks: hooks, now: UnixTime.now())
        await BlockingPool.files.run(on: .folder(inbox.outbox)) {
            for kind in OutboxNotices.Kind.allCases {
                OutboxNotices.remove(kind, base: job.sidecarBase, outbox: inbox.outbox)
            }
        }
    }

    /// A crash came between the sidecars and the journal: what lies in the outbox is what this job put there.
    /// - Returns: what the job is, and its sidecars as `HookFacts` has them; nil when it is not delivered.
    func deliveredBefore(
        _ job: Job, _ inbox: InboxSettings
    ) async throws -> (outcome: Job.State, sidecars: [String: Data])? {
        guard let outcome = job.outcome, !job.sidecarDigests.isEmpty else { return nil }
        let names = await BlockingPool.files.run(on: .folder(inbox.outbox)) { () -> [SidecarFormat: RawName]? in
            let status = try? OpenFolder(root: inbox.path).status(at: job.path)
            guard status?.identity == job.identity else { return nil }
            return SidecarWriter(root: inbox.outbox, subfolder: job.sidecarBase.folder.components).find(
                Set(job.sidecarDigests), inbox.formats, for: job.sidecarBase.last, keepingExtension: true)
        }
        guard let names else { return nil }
        return (outcome, Self.toldSidecars(names.map { ($0.key, $0.value) }, of: job))
    }

    /// - Parameter names: in the job's folder of the outbox.
    /// - Returns: as `HookFacts.sidecars`.
    private static func toldSidecars(_ names: [(format: SidecarFormat, name: RawName)], of job: Job) -> [String: Data] {
        Dictionary(
            names.map { ($0.format.rawValue, job.sidecarBase.folder.appending($0.name).data) },
            uniquingKeysWith: { first, _ in first })
    }

    /// Whether the outbox has the whole transcript of a kept recording that the journal knows nothing of: that was lost, or
    /// purged with the package. What lies there is not paid for again.
    func isDeliveredOnRecord(_ job: Job, _ inbox: InboxSettings) async throws -> Bool {
        guard inbox.after == .keep, job.sidecarDigests.isEmpty, try await !journal.hasEarlierDelivery(than: job) else {
            return false
        }
        let bases = [job.sidecarBase] + (inbox.portableNames ? SidecarBase.formerly(job.path) : [])
        let records = await BlockingPool.files.run(on: .folder(inbox.outbox)) {
            bases.compactMap { Self.record(at: $0, inbox) }
        }
        guard !records.isEmpty else { return false }
        let recording = try await BlockingPool.files.run(on: .folder(inbox.path)) { try open(job, in: inbox) }
        let source = try await recording.digest()
        guard let record = records.first(where: { $0.source == source }) else { return false }
        try await journal.recordDelivery(
            job.id, digests: Array(record.digests), outcome: .delivered, lostSamples: record.lostSampleCount,
            coverage: record.coverage)
        return true
    }

    /// Of a set that is whole and has all formats. Blocks.
    private static func record(at base: RawName, _ inbox: InboxSettings) -> SidecarRecord? {
        let names = SidecarNames(for: base.last, keepingExtension: true)
        guard let folder = try? OpenFolder(root: inbox.outbox).opening(base.folder),
            let record = SidecarRecord(names, in: folder), record.isWhole
        else { return nil }
        let language = inbox.style.subtitleFiles.language(of: record.language, inbox.options.language)
        for format in inbox.formats where (try? folder.status(of: names.name(format, language: language))) == nil {
            return nil
        }
        return record
    }
}
