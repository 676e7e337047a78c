import Engines
import Glibc
import SystemPackage
import SystemSupport

/// The files that an engine needs and that somebody puts into place, as they are now.
struct EngineSetup: Sendable, Equatable {
    private var model: InstalledModel?
    private var libraries: FilePath?
    private var program: FileIdentity?
    private var certificates: FileIdentity?

    /// Blocks.
    init(of entry: Settings.EngineEntry) {
        switch entry.engine {
        case .offline(let engine):
            model = try? InstalledModel.find(engine)
            libraries = EngineFiles.libraries
        case .command(let engine): program = engine.command.first.flatMap(Self.program)
        case .openai(let engine): certificates = engine.caFile.flatMap(Self.identity)
        }
    }

    /// A bare name is looked for as the engine does it: in the folders of PATH.
    private static func program(_ name: String) -> FileIdentity? {
        let folders = (ProcessEnvironment.all["PATH"] ?? "/bin:/usr/bin").split(separator: ":").map {
            FilePath(String($0))
        }
        let places = name.contains("/") ? [FilePath(name)] : folders.filter(\.isAbsolute).map { $0.appending(name) }
        for place in places where place.withPlatformString({ access($0, X_OK) }) == 0 {
            if let status = try? FileStatus(at: place), status.kind == .regular { return status.identity }
        }
        return nil
    }

    private static func identity(_ path: FilePath) -> FileIdentity? { (try? FileStatus(at: path))?.identity }
}

/// Notices that what an engine needs has come into place, once nobody changes it any more: half of a model is none.
struct SetupChanges {
    private struct Known {
        var settled: EngineSetup
        var last: EngineSetup
    }

    private var known: [String: Known]

    /// - Parameter first: what the engines find when they are made.
    init(_ first: [String: EngineSetup]) { known = first.mapValues { Known(settled: $0, last: $0) } }

    /// - Parameter now: of the engines that are looked at.
    /// - Returns: those whose files are others than at the first look, and the same as at the last.
    mutating func note(_ now: [String: EngineSetup]) -> [String] {
        return now.filter { name, setup in
            var before = known[name] ?? Known(settled: setup, last: setup)
            defer { known[name] = before }
            let hasSettled = setup == before.last && setup != before.settled
            before.last = setup
            if hasSettled { before.settled = setup }
            return hasSettled
        }.keys.sorted()
    }
}
