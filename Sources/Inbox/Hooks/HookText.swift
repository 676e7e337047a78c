import Glibc
import SystemPackage
import SystemSupport

/// The text of a transcript, for a webhook that wants it.
enum HookText {
    /// A transcript of a whole day is a megabyte; only the beginning is sent in any case.
    private static let maximumBytes = HookEvent.maximumBytes

    /// The beginning of the `.txt` sidecar; nil: there is none that can be read.
    static func read(_ call: HookCall, outbox: FilePath) async -> String? {
        guard let data = call.facts.sidecars["txt"] else { return nil }
        let path = RawName(bytes: data)
        return await BlockingPool.files.run(on: .folder(outbox)) {
            guard let folder = try? OpenFolder(root: outbox).opening(path.folder),
                let file = try? OwnedDescriptor(
                    opening: path.last, beneath: folder.descriptor, flags: O_RDONLY | O_NONBLOCK | O_NOCTTY),
                (try? FileStatus(of: file.descriptor))?.kind == .regular
            else { return nil }
            var bytes = [UInt8](repeating: 0, count: maximumBytes)
            let count = pread(file.descriptor.rawValue, &bytes, bytes.count, 0)
            guard count >= 0 else { return nil }
            return text(bytes.prefix(count))
        }
    }

    /// Without the character that the end of the buffer cuts in two.
    private static func text(_ bytes: ArraySlice<UInt8>) -> String {
        for dropped in 0...3 {
            if let text = String(validating: bytes.dropLast(dropped), as: UTF8.self) { return text }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
