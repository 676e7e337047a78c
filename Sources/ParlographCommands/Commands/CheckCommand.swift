import ArgumentParser
import AudioInput
import Inbox
import Logging
import SystemPackage
import SystemSupport
import Transcription

/// `parlograph check`
struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Check the configuration and everything the service needs around it.",
        discussion: "Changes nothing without --fix. One line for each thing looked at; exit status 0 when all is well.")

    @OptionGroup var common: CommonOptions

    @Flag(help: "Only whether the configuration can be loaded; no engine is asked. For the unit, before a reload.")
    var configurationOnly = false

    @Flag(help: "First make the folders that are missing, with the rights that the service needs.")
    var fix = false

    func run() async throws {
        let settings: Settings
        do {
            settings = try await common.read()
            if fix {
                for line in try await BlockingPool.files.run({ try FolderRepair.run(settings) }) {
                    StandardOutput.print("fixed  \(line)")
                }
            }
        } catch {
            throw Exit.failure(error)
        }
        let surroundings = Diagnostics(settings, logger: common.makeLogger(settings, atLeast: .error))
        let findings = configurationOnly ? await surroundings.lookAtConfiguration() : await surroundings.look()
        for finding in findings {
            StandardOutput.print("\(finding.mark.rawValue)  \(finding.subject): \(finding.text)")
        }
        if let worst = findings.lazy.compactMap(\.exitStatus).first { throw ExitCode(worst) }
    }
}
