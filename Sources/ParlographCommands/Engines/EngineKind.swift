import Engines
import SystemSupport
package import Transcription

/// The kinds of engine that there are. To add one: its `Transcriber` in a folder of the target `Engines`, its `EngineKind`
/// in a folder beside this file, and a line here.
enum EngineKinds {
    static let all: [any EngineKind.Type] = [OfflineEngine.self, OpenAIEngine.self, CommandEngine.self]
}

/// An engine as its section of the configuration describes it; the type is the kind. What the program knows of a kind, the
/// kind says here.
package protocol EngineKind: Sendable, Equatable {
    /// What `kind = "…"` of the section says.
    static var name: String { get }

    /// Reads a section. The keys that are asked for are those that the kind has, each with its default.
    /// - Throws: `ConfigurationFault` for the first thing that is wrong; a key that cannot be read is in the entry.
    static func read(_ section: EngineSection) throws -> Settings.EngineEntry

    /// Blocks, for some small files.
    /// - Parameters:
    ///   - key: that of the entry; without a fault.
    ///   - resources: of the process.
    /// - Throws: `TranscriptionError` with code `configuration`.
    func makeTranscriber(key: EngineKey?, with resources: EngineResources) throws -> any Transcriber

    /// The servers that take its requests; nil: it has the limits on requests to itself.
    var servers: EngineServers? { get }

    /// The files that it needs and that somebody puts into place, as they are now. Blocks.
    func setup() -> EngineSetup

    /// Why it will transcribe nothing in a language, as far as that can be told without asking it; nil: it will. A sentence
    /// of an inbox that has the language, with the remedy. Blocks.
    func fault(ofLanguage language: String) -> String?
}

extension EngineKind {
    package var servers: EngineServers? { nil }
    package func setup() -> EngineSetup { EngineSetup("nothing") }
    package func fault(ofLanguage language: String) -> String? { nil }

    func isEqual(to other: any EngineKind) -> Bool { (other as? Self) == self }
}

/// What the engines of a process share.
package struct EngineResources: Sendable {
    /// All transfers.
    let loop: CurlLoop
    /// Where audio is packed and answers are read.
    let encoding: BlockingPool
}

/// The servers behind an engine. Engines that have one of them in common, and the key, share their limits.
package struct EngineServers: Sendable, Hashable {
    /// Each written in one way.
    var addresses: Set<String>
    /// What servers of this sort take, where the section says nothing; nil: no limit.
    var requestsPerMinute: Int?
    var audioSecondsPerHour: Int?
    /// Requests at a time that one of them takes; nil: no limit.
    var concurrencyAtEach: Int?
}
