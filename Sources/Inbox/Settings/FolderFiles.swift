import Glibc
package import Logging
import Synchronization
import SystemPackage
package import SystemSupport
import Transcription

/// The files `parlograph.toml` that office users put into folders of an inbox. One that is of no use is left out and
/// reported beside the transcripts, in `parlograph.toml.error.txt`, which goes when the file is mended.
package final class FolderFiles: Sendable {
    /// Reads the choices out of a file's text; throws what is wrong, in a sentence for a person.
    package typealias Parser = @Sendable (_ text: String) throws -> FolderChoices

    private struct FolderKey: Hashable {
        let inbox: FilePath
        let outbox: FilePath
        let folder: RawName
        /// Of the note about it, as for `OutboxNotices.write`.
        let note: RawName

        init(_ folder: RawName, of inbox: InboxSettings) {
            (self.inbox, outbox, self.folder) = (inbox.path, inbox.outbox, folder)
            note = SidecarBase.folder(folder, isPortable: inbox.portableNames).appending(fileName)
        }
    }

    private enum Reading {
        case none
        case choices(FolderChoices)
        case fault(String)
    }

    /// The file in each folder.
    package static let fileName = RawName(bytes: "parlograph.toml".utf8)
    private static let maximumBytes = 16 << 10
    /// More are reported, but not looked at again by themselves.
    private static let maximumFaults = 1000
    /// Folders of which it is remembered that they have no note of an earlier run.
    private static let maximumCleared = 10_000
    private static let patience = Duration.seconds(5)

    private let parse: Parser
    private let logger: Logger
    private let calls = TimedCalls()
    private let faults = Mutex<[FolderKey: String]>([:])
    /// Where a note of an earlier run was taken away.
    private let cleared = Mutex<Set<FolderKey>>([])
    private let notes: NoteQueue

    /// - Parameter notes: takes what is told beside the transcripts; the inbox's thread does not wait for an outbox.
    package init(parse: @escaping Parser, notes: NoteQueue, logger: Logger) {
        self.parse = parse
        self.notes = notes
        self.logger = logger
    }

    /// Is signalled when a file turns out to be of no use.
    let faulty = AsyncSignal()

    package var hasFaults: Bool { faults.withLock { !$0.isEmpty } }

    /// The inbox's settings for one recording, with what the folders above it say at this moment. Blocks.
    /// - Parameter path: of the recording, relative to the inbox.
    package func settings(for path: RawName, of inbox: InboxSettings) -> InboxSettings {
        guard let root = try? OpenFolder(root: inbox.path) else {
            return inbox.applied(to: path) { _ in nil }
        }
        let descriptor = root.descriptor
        defer { withExtendedLifetime(root) {} }
        return inbox.applied(to: path) { folder in
            look(FolderKey(folder, of: inbox), beneath: descriptor)
        }
    }

    /// Looks again at the files that were of no use: one that was mended or taken away is no longer reported. An inbox that
    /// hangs is not waited for.
    package func lookAgain() async {
        let places = Dictionary(grouping: faults.withLock { Array($0.keys) }, by: \.inbox)
        await withDiscardingTaskGroup { group in
            for (inbox, places) in places {
                group.addTask { [self] in
                    _ = await calls.run(on: .folder(inbox), within: Self.patience) {
                        guard let root = try? OpenFolder(root: inbox) else { return }
                        for place in places { _ = self.look(place, beneath: root.descriptor) }
                    }
                }
            }
        }
    }

    private func look(_ place: FolderKey, beneath root: FileDescriptor) -> FolderChoices? {
        let reading = read(place.folder.appending(Self.fileName), beneath: root)
        switch reading {
        case .none: mended(place)
        case .choices: mended(place)
        case .fault(let text): report(text, at: place)
        }
        if case .choices(let choices) = reading { return choices }
        return nil
    }

    private func read(_ path: RawName, beneath root: FileDescriptor) -> Reading {
        do {
            let file = try OwnedDescriptor(
                opening: path, beneath: root, flags: O_RDONLY | O_NONBLOCK | O_NOCTTY)
            guard try FileStatus(of: file.descriptor).kind == .regular else { return .fault("It is no ordinary file.") }
            var bytes = try SmallFile.read(file.descriptor, named: path.printable, limit: Self.maximumBytes)
            // Windows editors put a byte order mark in front.
            if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
            guard let text = String(validating: bytes, as: UTF8.self) else {
                return .fault("It is not UTF-8 text. Save it with the encoding UTF-8.")
            }
            return .choices(try parse(text))
        } catch let error as SystemError {
            switch error.errno {
            case .noSuchFileOrDirectory, .notDirectory: return .none
            case .fileTooLarge: return .fault("It is larger than \(ByteCount.text(Int64(Self.maximumBytes))).")
            case .tooManySymbolicLinkLevels: return .fault("It is a link. Put the file itself into the folder.")
            default: return .fault("It cannot be read (\(error.errno)).")
            }
        } catch {
            return .fault("\(error)")
        }
    }

    private func mended(_ place: FolderKey) {
        let (was, isOthers) = faults.withLock { faults in
            let was = faults.removeValue(forKey: place)
            // Two inboxes may share an outbox.
            return (was, faults.keys.contains { $0.outbox == place.outbox && $0.note == place.note })
        }
        let isFirst = cleared.withLock { $0.count < Self.maximumCleared && $0.insert(place).inserted }
        if !isOthers, was != nil || isFirst {
            notes.put(nil, base: place.note, outbox: place.outbox)
        }
        if was != nil {
            logger.notice("folder settings are in order again", metadata: Self.metadata(place))
        }
    }

    private func report(_ text: String, at place: FolderKey) {
        let isNew = faults.withLock { faults in
            guard faults[place] != text else { return false }
            if faults.count < Self.maximumFaults || faults[place] != nil { faults[place] = text }
            return true
        }
        guard isNew else { return }
        faulty.signal()
        var metadata = Self.metadata(place)
        metadata["error"] = "\(text)"
        logger.warning("folder settings are of no use and left out", metadata: metadata)
        notes.put(
            OutboxNotices.folderFileText(folder: place.folder, fault: text),
            base: place.note, outbox: place.outbox)
    }

    private static func metadata(_ place: FolderKey) -> Logger.Metadata {
        ["file": "\(place.inbox.pushing(place.folder.appending(fileName).path).printable)"]
    }
}
