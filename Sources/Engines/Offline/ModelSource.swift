import Glibc
package import SystemPackage
import SystemSupport

/// Where a model is added from.
package enum ModelSource: Sendable, Hashable {
    case known(KnownModel)
    case url(String)
    case folder(FilePath)
    case archive(FilePath)

    /// What a word of the command line means. Blocks.
    /// - Throws: `ModelInstallation.Failure` where it means nothing.
    package init(_ word: String, at path: FilePath) throws {
        let isAddress = ["https://", "http://"].contains { word.lowercased().hasPrefix($0) }
        if let known = KnownModel.named(word) {
            self = .known(known)
        } else if isAddress {
            self = .url(word)
        } else {
            switch (try? FileStatus(at: path))?.kind {
            case .directory: self = .folder(path)
            case .regular: self = .archive(path)
            default:
                let names = KnownModel.all.map(\.name).joined(separator: ", ")
                throw ModelInstallation.Failure(
                    description: "“\(word)” is no file, no folder, no address and none of the known models (\(names)).")
            }
        }
    }

    /// The model's name, where none is given: that of the list, or the archive's without what upstream puts before and
    /// behind.
    package var modelName: String {
        if case .known(let model) = self { return model.name }
        if let known = knownByArchive { return known.name }
        let stem = stem
        return String(stem.hasPrefix(Self.prefix) ? stem.dropFirst(Self.prefix.count) : stem[...])
    }

    /// What is known of a model of this source and name.
    func known(as name: String) -> KnownModel? {
        if case .known(let model) = self { return model }
        return knownByArchive ?? KnownModel.named(name)
    }

    /// The archive of the list that this is, by its name; nil for a folder.
    var knownArchive: KnownModel? {
        if case .known(let model) = self { return model }
        if case .folder = self { return nil }
        return knownByArchive
    }

    /// The same archive, got in another way, or a folder that was unpacked from it.
    private var knownByArchive: KnownModel? {
        let stem = stem
        return KnownModel.all.first { Self.stem(of: $0.url) == stem }
    }

    /// For people and `model.toml`.
    var origin: String {
        switch self {
        case .known(let model): model.url
        case .url(let url): FileDownload.shown(url)
        case .folder(let path), .archive(let path):
            path.lexicallyNormalized().lastComponent.map { FilePath(root: nil, [$0]).printable } ?? path.printable
        }
    }

    /// Of what is fetched, or nil.
    var url: String? {
        switch self {
        case .known(let model): model.url
        case .url(let url): url
        case .folder, .archive: nil
        }
    }

    private var stem: String { Self.stem(of: origin) }

    private static let prefix = "sherpa-onnx-"

    private static func stem(of path: String) -> String {
        let file = path.split(separator: "/").last.map(String.init) ?? path
        let ending = [".tar.bz2", ".tbz2", ".tar.gz", ".tgz", ".tar", ".zip"].first { file.lowercased().hasSuffix($0) }
        return String(file.dropLast(ending?.count ?? 0))
    }
}
