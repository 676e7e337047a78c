import Inbox
import Logging
import SystemPackage
import SystemSupport

/// Names that a shell completes: those of the default configuration, since a half-typed command line has no other.
enum ConfiguredNames {
    /// Of a shell's list nobody reads more.
    private static let maximumNames = 200

    /// The engines that are configured; none where the file has a fault.
    static func engines() async -> [String] {
        let settings = try? await BlockingPool.files.run { try SettingsLoader.load(nil) }
        return settings?.engines.keys.sorted() ?? [Settings.defaultEngine]
    }

    /// What `jobs retry` can be given: recordings that failed or are partial, the newest first.
    static func failedRecordings() async -> [String] {
        let directory = try? await BlockingPool.files.run { try SettingsLoader.load(nil).stateDirectory }
        guard let directory, (try? FileStatus(at: directory.appending("jobs.sqlite"))) != nil,
            let journal = try? await JobJournal.open(
                in: directory, mends: false, logger: Logger(label: "parlograph") { _ in SwiftLogNoOpLogHandler() })
        else { return [] }
        let jobs = (try? await journal.jobs(in: [.failed, .partial], limit: maximumNames)) ?? []
        return jobs.reversed().map { $0.path.printable }
    }
}
