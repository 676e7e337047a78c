import Glibc
package import SystemPackage
import SystemSupport

/// Where the engine's libraries and the models lie, as seen from the program.
package enum EngineFiles {
    /// sherpa-onnx, with onnxruntime beside it.
    package static let library = "libsherpa-onnx-c-api.so"
    /// Silero, beside the libraries.
    package static let detector = "silero_vad.onnx"

    /// The program's own path; after an upgrade that of the new one.
    private static let program: FilePath = {
        var buffer = [CChar](repeating: 0, count: 4097)
        let count = readlink("/proc/self/exe", &buffer, 4096)
        guard count > 0 else { return "/usr/bin/parlograph" }
        let path = RawName(bytes: buffer[..<count].map { UInt8(bitPattern: $0) })
        let deleted = Array(" (deleted)".utf8)
        return path.bytes.suffix(deleted.count).elementsEqual(deleted)
            ? RawName(bytes: path.bytes.dropLast(deleted.count)).path : path.path
    }()

    /// What `packaging/fetch-engine.sh` has made in the checkout that the program was built in; nil for an installed one.
    private static let built: FilePath? = {
        var folder = program.removingLastComponent()
        while let name = folder.lastComponent {
            folder.removeLastComponent()
            if name.string.hasPrefix(".build") { return folder.appending(".build-engine") }
        }
        return nil
    }()

    /// The folder of the libraries: beside the program's own, in the build, or where Debian's package has it.
    package static var libraries: FilePath? {
        let beside = program.removingLastComponent().removingLastComponent().appending("lib/parlograph")
        let folders = [built?.appending("lib"), beside, "/usr/lib/parlograph"].compactMap(\.self)
        return folders.first { (try? FileStatus(at: $0.appending(library))) != nil }
    }

    /// The user's home folder.
    package static var home: FilePath? {
        getenv("HOME").map { FilePath(String(cString: $0)) }.flatMap { $0.isAbsolute ? $0 : nil }
    }

    /// Where models are looked for, in this order.
    /// - Parameters:
    ///   - first: `models_directory`.
    ///   - home: of the user; nil: those that are there for everybody.
    package static func modelFolders(first: FilePath?, home: FilePath? = Self.home) -> [FilePath] {
        var folders = [first].compactMap(\.self)
        folders += ["/var/lib/parlograph/models", "/usr/share/parlograph/models"]
        if let home { folders.append(home.appending(".local/share/parlograph/models")) }
        if let built { folders.append(built.appending("models")) }
        return folders
    }
}
