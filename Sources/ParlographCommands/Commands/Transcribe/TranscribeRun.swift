import Glibc
import Inbox
import Synchronization
import SystemPackage
import SystemSupport
import Transcription

/// What the command line says of a run.
struct TranscribeChoices: Sendable {
    var output: TranscribeOutput
    /// In the order in which their paths are printed; one for standard output.
    var formats: [SidecarFormat]
    var options: TranscriptionOptions
    var style: SidecarStyle
    var engine: String
    /// What is done is kept in the cache.
    var remembers: Bool
    var isQuiet: Bool
}

/// Recordings, transcribed one after the other.
final class TranscribeRun: Sendable {
    private let recordings: [RecordingArgument.Found]
    private let choices: TranscribeChoices
    private let room: EngineRegistry
    private let orchestrator: ParallelOrchestrator
    private let taken = TakenNames()
    private let totals = Mutex(RunTotals())

    init(
        _ recordings: [RecordingArgument.Found], _ choices: TranscribeChoices, room: EngineRegistry,
        orchestrator: ParallelOrchestrator
    ) {
        self.recordings = recordings
        self.choices = choices
        self.room = room
        self.orchestrator = orchestrator
    }

    /// Until all are done, or until the task is cancelled.
    /// - Returns: the exit status of the run.
    func all() async -> Exit {
        let began = ContinuousClock.now
        let progress = RunProgress(byteCounts: recordings.map(\.byteCount))
        let status = await withTaskGroup(of: Exit?.self) { group in
            group.addTask { await self.all(progress) }
            if !choices.isQuiet {
                group.addTask {
                    await ProgressDisplay(progress).run()
                    return nil
                }
            }
            defer { group.cancelAll() }
            for await ended in group { if let ended { return ended } }
            return Exit.interrupted
        }
        StandardError.eraseDrawn()
        if status == .interrupted {
            let advice = choices.remembers ? " What was done is in the cache: the same command goes on from there." : ""
            Exit.say("parlograph: interrupted.\(advice)")
        }
        let summary = totals.withLock { $0.summary(seconds: began.duration(to: .now) / .seconds(1)) }
        if let summary, !choices.isQuiet { Exit.say(summary) }
        return status
    }

    private func all(_ progress: RunProgress) async -> Exit {
        var worst = Exit.done
        for (index, recording) in recordings.enumerated() {
            let status: Exit
            switch recording.source {
            case .unusable(let error): status = failed(error)
            case .standardInput, .file: status = await transcribe(recording, index, progress)
            }
            if status == .interrupted { return status }
            worst = Exit.worse(worst, status)
        }
        return worst
    }

    private func failed(_ error: any Error) -> Exit {
        totals.withLock { $0.failed += 1 }
        Exit.say("parlograph: \(error)")
        return Exit(error)
    }

    /// - Returns: the exit status that this recording alone would give.
    private func transcribe(_ found: RecordingArgument.Found, _ index: Int, _ progress: RunProgress) async -> Exit {
        let tracker = await BlockingPool.files.run { [room, choices] in room.tracker(found.name, engine: choices.engine)
        }
        progress.begin(index, tracker)
        do {
            let started = ContinuousClock.now
            let place = try await place(of: found)
            let transcript = try await transcript(of: found, index, tracker)
            try await write(transcript, of: found, RunFacts(processingTime: started.duration(to: .now)), to: place)
            return told(transcript, of: found)
        } catch is CancellationError {
            return .interrupted
        } catch {
            totals.withLock { $0.failed += 1 }
            let path = found.shown
            Exit.say("parlograph: \(path): \(Self.withoutName(error, [path, found.name]))")
            if case .recordingChanged? = (error as? TranscriptionError)?.code {
                Exit.say("\(path): run it again when nobody writes to it any more.")
            }
            if choices.remembers, tracker.snapshot().chunksDone > 0,
                case .retry? = (error as? TranscriptionError)?.remedy
            {
                Exit.say("\(path): run it again later: what was done is in the cache.")
            }
            return Exit(error)
        }
    }

    /// The folder of the sidecars and their names; nil: standard output.
    private func place(of found: RecordingArgument.Found) async throws -> (folder: FilePath, names: SidecarNames)? {
        try await BlockingPool.files.run { [choices, taken] in
            guard let folder = try choices.output.folder(for: found) else { return nil }
            return (folder, try taken.names(for: found.fileName, in: folder))
        }
    }

    private func transcript(
        of found: RecordingArgument.Found, _ index: Int, _ tracker: ProgressTracker
    ) async throws -> Transcript {
        let recording =
            switch found.source {
            case .file(let path): try await BlockingPool.files.run { try Self.opened(path) }
            case .standardInput: try await SpooledInput.recording()
            case .unusable(let error): throw error
            }
        do {
            return try await orchestrator.transcribe(
                recording, id: RecordingID(UInt64(index)), options: choices.options
            ) { tracker.observe($0) }
        } catch let error as SystemError {
            throw Self.fault(of: error, reading: found.shown)
        }
    }

    private func write(
        _ transcript: Transcript, of found: RecordingArgument.Found, _ run: RunFacts,
        to place: (folder: FilePath, names: SidecarNames)?
    ) async throws {
        try await BlockingPool.files.run { [choices] in
            let rendered = Sidecar.renderSet(
                transcript, choices.formats, run: run, style: choices.style,
                recording: place.flatMap { Self.link(from: $0.folder, to: found) })
            guard let place else {
                for format in choices.formats { try StandardOutput.write(rendered[format] ?? []) }
                return
            }
            // What stands there and was not edited is replaced; an edited set stays and the new one gets a number.
            let open = try OpenFolder(root: place.folder, links: .anybodys)
            let known = SidecarRecord(place.names, in: open)?.digests ?? []
            let written = try SidecarWriter(root: place.folder, links: .anybodys).write(
                rendered, for: place.names.base, keepingExtension: true, overwrite: .ifUnedited(known))
            for sidecar in written { StandardOutput.print(sidecar.path) }
        }
    }

    /// From a page in the folder to the recording; nil where it is no file. Blocks.
    private static func link(from folder: FilePath, to found: RecordingArgument.Found) -> RelativeLink? {
        guard case .file(let path) = found.source, let here = realPath(folder), let there = realPath(path) else {
            return nil
        }
        return RelativeLink(from: here, to: there)
    }

    private static func realPath(_ path: FilePath) -> FilePath? {
        path.withPlatformString { name in
            guard let real = realpath(name, nil) else { return nil }
            defer { free(real) }
            return FilePath(platformString: real)
        }
    }

    /// Says what is to be said of a transcript that is written.
    private func told(_ transcript: Transcript, of found: RecordingArgument.Found) -> Exit {
        totals.withLock { totals in
            if transcript.isPartial { totals.partial += 1 } else { totals.whole += 1 }
            totals.samples += transcript.sampleCount
            totals.chunks += transcript.chunks.count
            totals.chunksFromCache += transcript.cacheHits
        }
        for warning in transcript.warnings { Exit.say("\(found.shown): \(warning)") }
        for gap in transcript.gaps where transcript.isPartial || gap.cause == .uncovered {
            Exit.say("\(found.shown): no text for \(gap.place): \(gap.reason)")
        }
        return transcript.isPartial ? .temporaryFailure : .done
    }

    /// Says so where somebody still writes it, as far as the kernel tells. Blocks.
    private static func opened(_ path: FilePath) throws -> Recording {
        let recording = try Recording(opening: path, followingLinks: true)
        if case .refused = FileLease.probe(recording.descriptor) {
            Exit.say(
                "\(path.printable): another program has it open for writing. What is there now is transcribed; it may not "
                    + "be all.")
        }
        return recording
    }

    /// Nothing is written before the transcript is there: what a system call failed at was the recording, or this machine.
    private static func fault(of error: SystemError, reading name: String) -> TranscriptionError {
        switch error.errno {
        case .tooManyOpenFiles, .tooManyOpenFilesInSystem, .noMemory, .resourceTemporarilyUnavailable:
            TranscriptionError(
                .internalFault, "There is too little of something on this machine: \(error). Try again later.",
                cause: error)
        default:
            TranscriptionError(
                .noSuchInput, "\(name) cannot be read: \(error.errno). Look at its disk or server.", cause: error)
        }
    }

    /// Many messages begin with the file's name already.
    private static func withoutName(_ error: any Error, _ names: [String]) -> String {
        let text = "\(error)"
        for name in names where text.hasPrefix(name + " ") { return String(text.dropFirst(name.count + 1)) }
        return text
    }
}

extension RecordingArgument.Found {
    /// As it was named, for messages.
    fileprivate var shown: String {
        switch source {
        case .file(let path): path.printable
        case .standardInput, .unusable: name
        }
    }

    /// What the names of its sidecars are made of.
    fileprivate var fileName: RawName {
        switch source {
        case .file(let path): RawName(path).last
        case .standardInput, .unusable: RawName(SpooledInput.name)
        }
    }
}
