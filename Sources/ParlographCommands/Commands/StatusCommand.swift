import ArgumentParser
import FoundationEssentials
import Inbox
import SystemPackage
import SystemSupport
import Transcription

/// `parlograph status`
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "What the running service is doing.")

    @OptionGroup var common: CommonOptions

    @Flag(help: "Show it again every second, until Ctrl-C.")
    var follow = false

    @Flag(help: "As JSON, one object a line.")
    var json = false

    func run() async throws {
        let directory = try common.load().stateDirectory
        let shown = await Interruption.run { await show(directory) }
        if !shown { throw ExitCode(Exit.unavailable) }
    }

    /// - Returns: false when no service runs.
    private func show(_ directory: FilePath) async -> Bool {
        var wasRunning = false
        repeat {
            let (status, pid) = await BlockingPool.files.run {
                (ServiceStatus.read(from: directory), InstanceLock.holder(in: directory))
            }
            guard let status, let pid, status.processID == pid else {
                if pid != nil, follow {
                    try? await Task.sleep(for: .seconds(1))
                    continue
                }
                Exit.say(
                    pid.map {
                        "parlograph: the service of \(directory.printable) (process \($0)) has not reported yet: it "
                            + "starts, or waits for its job journal; its log tells."
                    } ?? "parlograph: no service is running for \(directory.printable).")
                return wasRunning
            }
            wasRunning = true
            if json {
                StandardOutput.print(json: Self.line(status))
            } else {
                Self.describe(status).forEach { StandardOutput.print($0) }
            }
            guard follow else { return true }
        } while (try? await Task.sleep(for: .seconds(1))) != nil
        return true
    }

    private static func line(_ status: ServiceStatus) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        guard let data = try? encoder.encode(status) else { return "{}" }
        return String(decoding: data, as: UTF8.self)
    }

    private static func describe(_ status: ServiceStatus) -> [String] {
        var lines = [
            "service     process \(status.processID), running since \(LocalTime.moment(status.startedAt))",
            "recordings  \(status.running.count) running, \(status.queued) queued, \(status.settling) arriving; "
                + "\(status.delivered) delivered, \(status.partial) partial, \(status.failed) failed",
        ]
        for running in status.running {
            lines.append("  " + ProgressLine.draw(running.progress, width: 100, isTerminal: true))
        }
        for folder in status.shortOfSpace ?? [] {
            lines.append("waiting     too little space is left at \(folder)")
        }
        if let cache = status.cache {
            lines.append(
                "cache       \(cache.hits) hits, \(cache.misses) misses; \(ByteCount.text(Int64(cache.memoryBytes))) in memory, "
                    + "\(ByteCount.text(Int64(cache.diskBytes))) on disk")
        }
        for (name, figures) in status.engines.sorted(by: { $0.key < $1.key }) {
            lines.append(
                "engine      \(name): \(figures.inFlight) requests under way (limit \(figures.limit) of "
                    + "\(figures.ceiling)), \(figures.requestsInLastMinute) begun in the last minute")
        }
        return lines
    }
}
