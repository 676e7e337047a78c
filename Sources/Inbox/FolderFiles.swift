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

    private struct Place: Hashable {
        let inbox: FilePath
        let outbox: FilePath
        let folder: RawName
    }

    private enum Reading {
        case none
        case choices(FolderChoices)
        case fault(String)
    }

    /// The file in each folder.
    package static let fileName = RawName(bytes: "parlograph.toml".utf8)
    private static let mostBytes = 16 << 10
    /// More are reported, but not looked at again by themselves.
    private static let mostFaults = 1000

    private let parse: Parser
    private let logger: Logger
    private let faults = Mutex<[Place: String]>([:])

    package init(parse: @escaping Parser, logger: Logger) {
        self.parse = parse
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
            look(Place(inbox: inbox.path, outbox: inbox.outbox, folder: folder), beneath: descriptor)
        }
    }

    /// Looks again at the files that were of no use: one that was mended or taken away is no longer reported. Blocks.
    package func lookAgain() {
        for place in faults.withLock({ Array($0.keys) }) {
            guard let root = try? OpenFolder(root: place.inbox) else { continue }
            _ = look(place, beneath: root.descriptor)
        }
    }

    private func look(_ place: Place, beneath root: FileDescriptor) -> FolderChoices? {
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
            var bytes = try SmallFile.read(file.descriptor, named: path.printable, limit: Self.mostBytes)
            // Windows editors put a byte order mark in front.
            if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
            guard let text = String(validating: bytes, as: UTF8.self) else {
                return .fault("It is not UTF-8 text. Save it with the encoding UTF-8.")
            }
            return .choices(try parse(text))
        } catch let error as SystemError {
            switch error.errno {
            case .noSuchFileOrDirectory, .notDirectory: return .none
            case .fileTooLarge: return .fault("It is larger than \(ByteCount.text(Int64(Self.mostBytes))).")
            case .tooManySymbolicLinkLevels: return .fault("It is a link. Put the file itself into the folder.")
            default: return .fault("It cannot be read (\(error.errno)).")
            }
        } catch {
            return .fault("\(error)")
        }
    }

    private func mended(_ place: Place) {
        let (was, isOthers) = faults.withLock { faults in
            let was = faults.removeValue(forKey: place)
            // Two inboxes may share an outbox.
            return (was, faults.keys.contains { $0.outbox == place.outbox && $0.folder == place.folder })
        }
        if !isOthers {
            PersonalNotes.remove(.error, base: place.folder.appending(Self.fileName), outbox: place.outbox)
        }
        if was != nil {
            logger.notice("folder settings are in order again", metadata: Self.metadata(place))
        }
    }

    private func report(_ text: String, at place: Place) {
        let isNew = faults.withLock { faults in
            guard faults[place] != text else { return false }
            if faults.count < Self.mostFaults || faults[place] != nil { faults[place] = text }
            return true
        }
        guard isNew else { return }
        faulty.signal()
        var metadata = Self.metadata(place)
        metadata["error"] = "\(text)"
        logger.warning("folder settings are of no use and left out", metadata: metadata)
        do {
            try PersonalNotes.write(
                PersonalNotes.folderFileText(folder: place.folder, fault: text), .error,
                base: place.folder.appending(Self.fileName), outbox: place.outbox)
        } catch {
            logger.warning("note cannot be written", metadata: ["error": "\(error)"])
        }
    }

    private static func metadata(_ place: Place) -> Logger.Metadata {
        ["file": "\(place.inbox.pushing(place.folder.appending(fileName).path).printable)"]
    }
}
