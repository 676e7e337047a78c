import ArgumentParser
import SystemPackage
import SystemSupport
import TranscriptCache
import Transcription

/// `parlograph cache`
struct CacheCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cache", abstract: "Look after the cache of transcripts.",
        subcommands: [Stats.self, Prune.self, Clear.self])

    /// `cache stats`
    struct Stats: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "What is in the cache.")
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let settings = try await common.load()
            let cache = MultiLevelCache(settings: settings.cache, logger: common.makeLogger(settings))
            let figures = await cache.statistics()
            StandardOutput.print("folder   \(settings.cache.directory.printable)")
            StandardOutput.print("entries  \(figures.diskEntries)")
            StandardOutput.print(
                "size     \(ByteCount.text(figures.fileBytes)) of \(ByteCount.text(settings.cache.diskBytes))")
            if let oldest = figures.oldest {
                StandardOutput.print("oldest   \(TimeText.length(seconds: UnixTime.seconds(since: oldest))) old")
            }
            try CacheCommand.report(figures.diskFault)
        }
    }

    /// `cache prune`
    struct Prune: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove what is older than ttl_seconds, and the least used above disk_mb.")
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let settings = try await common.load()
            let removal = await MultiLevelCache(settings: settings.cache, logger: common.makeLogger(settings)).prune()
            StandardOutput.print(
                "\(removal.expired) expired and \(removal.evicted) surplus entries removed, \(ByteCount.text(removal.freedBytes)) freed"
            )
            try CacheCommand.report(removal.fault)
        }
    }

    /// `cache clear`
    struct Clear: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove everything; recordings seen before are paid for again.")
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let settings = try await common.load()
            let removal = await MultiLevelCache(settings: settings.cache, logger: common.makeLogger(settings)).clear()
            StandardOutput.print(
                "\(removal.expired + removal.evicted) entries removed, \(ByteCount.text(removal.freedBytes)) freed")
            try CacheCommand.report(removal.fault)
        }
    }

    private static func report(_ fault: String?) throws {
        guard let fault else { return }
        Exit.say("parlograph: \(fault)")
        throw ExitCode(Exit.cannotCreate)
    }
}
