import Glibc
import SystemPackage
import SystemSupport

/// A folder beside the configuration file with an administrator's own files, which no upgrade of the package ever touches:
/// `conf.d` for `parlograph.toml`, `nas.conf.d` for `nas.toml`, since each service has inboxes of its own.
struct ConfigurationFolder {
    let path: FilePath

    private static let ending = "conf.d"
    private static let usualStem = "parlograph"
    private static let maximumFiles = 100

    /// - Parameter file: need not exist.
    init(beside file: FilePath) {
        let folder = file.removingLastComponent()
        let stem = file.stem ?? Self.usualStem
        path = folder.appending(stem == Self.usualStem ? Self.ending : "\(stem).\(Self.ending)")
    }

    /// Its `*.toml` files in the order of their names' bytes; none where there is no such folder. Hidden ones are left out.
    /// Blocks.
    /// - Throws: `ConfigurationFault` where the folder cannot be read, or where somebody else may put files into it: a
    ///   configuration names programs that are run.
    func files() throws -> [FilePath] {
        var names: [RawName] = []
        do {
            let status = try FileStatus(at: path)
            guard status.kind == .directory else { return [] }
            try requireTrust(status)
            try DirectoryLister.forEach(in: path) { entry in
                let bytes = entry.name.bytes
                if bytes.first != 0x2E, bytes.suffix(5).elementsEqual(".toml".utf8) { names.append(entry.name) }
                return names.count <= Self.maximumFiles
            }
        } catch let error as SystemError where [.noSuchFileOrDirectory, .notDirectory].contains(error.errno) {
            return []
        } catch let error as SystemError {
            throw ConfigurationFault("\(path.printable) cannot be read: \(error.errno).")
        }
        guard names.count <= Self.maximumFiles else {
            throw ConfigurationFault("\(path.printable) holds more than \(Self.maximumFiles) files.")
        }
        return names.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }.map { path.pushing($0.path) }
    }

    private func requireTrust(_ status: FileStatus) throws {
        let own: Set<UInt32> = [0, geteuid()]
        guard own.contains(status.owner), status.mode & 0o002 == 0 else {
            throw ConfigurationFault(
                "\(path.printable): others than root and this user may put files there, and a configuration names programs "
                    + "that are run. Make it yours: chown root \(path.string.shellWord); chmod go-w \(path.string.shellWord)"
            )
        }
    }
}
