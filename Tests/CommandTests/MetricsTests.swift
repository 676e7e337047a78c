import FoundationEssentials
import Inbox
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// The figures that a service writes for monitoring.
@Suite(.serialized, .timeLimit(.minutes(10))) struct MetricsTests {
    /// Samples by name and labels as they stand there, and the types of their families. Anything that the text format
    /// (version 0.0.4) does not allow is recorded as an issue.
    private struct Exposition {
        var values: [String: Double] = [:]
        var types: [String: String] = [:]

        init(_ text: String) throws {
            var helped: Set<String> = []
            #expect(text.hasSuffix("\n"))
            for line in text.split(separator: "\n") {
                if let match = line.wholeMatch(of: /# HELP (\S+) (.+)/) {
                    #expect(helped.insert(String(match.output.1)).inserted, "twice: \(line)")
                } else if let match = line.wholeMatch(of: /# TYPE (\S+) (counter|gauge|histogram)/) {
                    types[String(match.output.1)] = String(match.output.2)
                } else if let match = line.wholeMatch(
                    of: /([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)+\})? (-?[0-9.e+-]+)/)
                {
                    let name = String(match.output.1)
                    let family = name.replacing(/_(bucket|sum|count)$/, with: "")
                    #expect(types[name] != nil || types[family] == "histogram", "no type: \(line)")
                    #expect(helped.contains(name) || helped.contains(family), "no help: \(line)")
                    #expect((types[name] == "counter") == name.hasSuffix("_total"), "\(line)")
                    let key = name + String(match.output.2 ?? "")
                    #expect(values.updateValue(Double(match.output.3) ?? .nan, forKey: key) == nil, "twice: \(line)")
                } else {
                    Issue.record("not understood: \(line)")
                }
            }
        }
    }

    @Test func aCollectorFindsWhatWasDone() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(
                folder, server: server, inbox: #"on_failed = ["/bin/false"]"#)
            let text = try place.text("parlograph.toml")
            try place.makeFolder("collector")
            try place.write(
                "metrics_file = \"\(folder.string)/collector/parlograph.prom\"\n\(text)", to: "parlograph.toml")
            try place.writeMarks(0..<12, to: "inbox/secret name.wav")
            try place.write("this is no music", to: "inbox/broken.mp3")
            try await place.start("serve") { process in
                try await process.says("ready")
                let inbox = "inbox=\"\(folder.string)/inbox\""
                func now() throws -> Exposition? {
                    place.exists("collector/parlograph.prom")
                        ? try Exposition(try place.text("collector/parlograph.prom")) : nil
                }
                try await eventually("all figures") {
                    guard let found = try now() else { return false }
                    return found.values["parlograph_recordings_total{\(inbox),result=\"delivered\"}"] == 1
                        && found.values["parlograph_recordings_total{\(inbox),result=\"failed\"}"] == 1
                        && found.values["parlograph_hook_failures_total{\(inbox),hook=\"on_failed\"}"] == 1
                }
                let found = try #require(try now())
                let requests = Double(server.requests.count)
                for (name, value) in [
                    ("audio_seconds_total{engine=\"fake\"}", 12), ("outbox_writable{\(inbox)}", 1),
                    ("engine_requests_total{engine=\"fake\",outcome=\"ok\"}", requests),
                    ("engine_request_duration_seconds_count{engine=\"fake\"}", requests),
                    ("oldest_waiting_seconds{\(inbox)}", 0), ("recordings_waiting{\(inbox),reason=\"turn\"}", 0),
                ] { #expect(found.values["parlograph_\(name)"] == value, "\(name)") }
                #expect(found.values["parlograph_cache_lookups_total{level=\"none\",result=\"miss\"}"] ?? 0 > 0)
                let delivered = found.values["parlograph_last_delivery_timestamp_seconds{\(inbox)}"] ?? 0
                #expect(abs(delivered - Double(UnixTime.now())) < 3600)
                #expect(found.values.keys.contains { $0.hasPrefix("parlograph_build_info{version=") })
                #expect(Set(found.types.keys) == Set(ServiceMetrics.families.map(\.name)))
                #expect(!found.values.keys.contains { $0.contains("secret name") || $0.contains("broken") })

                let shown = try await place.run("status", "--metrics")
                #expect(shown.status == 0)
                #expect(
                    Set(try Exposition(shown.lines.joined(separator: "\n") + "\n").values.keys).isSuperset(
                        of: found.values.keys))
                let check = try await place.run("status", "--check")
                #expect(check.status == 1 && check.lines.count == 1, "\(check.lines)")
                #expect(
                    check.lines.first?.hasPrefix("PARLOGRAPH WARNING - A program of on_delivered or on_failed") == true)
            }
            #expect(try await place.run("status", "--metrics").status == 69)
            let check = try await place.run("status", "--check")
            #expect(check.status == 2 && check.lines.first?.hasPrefix("PARLOGRAPH CRITICAL - ") == true)
        }
    }

    private static func place(
        _ folder: FilePath, _ server: FakeTranscriptionServer, _ file: String
    ) throws -> Workplace {
        let place = try Workplace(folder, server: server, inbox: "status_page = false")
        let text = try place.text("parlograph.toml")
        try place.write("metrics_file = \"\(file)\"\n\(text)", to: "parlograph.toml")
        return place
    }

    /// A run that is over before the next figures are due.
    @Test func aRunThatEndsTellsWhatItDid() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Self.place(folder, server, "\(folder.string)/parlograph.prom")
            try place.writeMarks(0..<3, to: "inbox/talk.wav")
            let ended = try await place.run("serve", "--once")
            #expect(ended.status == 0, "\(ended.errors)")
            let inbox = "inbox=\"\(folder.string)/inbox\""
            for file in ["parlograph.prom", "state/metrics.prom"] {
                let found = try Exposition(try place.text(file)).values
                #expect(found["parlograph_recordings_total{\(inbox),result=\"delivered\"}"] == 1, "\(file)")
                #expect(found["parlograph_audio_seconds_total{engine=\"fake\"}"] == 3, "\(file)")
                #expect(found["parlograph_recordings_waiting{\(inbox),reason=\"turn\"}"] == 0, "\(file)")
            }
        }
    }

    @Test func aFileThatCannotBeWrittenIsToldOf() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let file = "\(folder.string)/missing/parlograph.prom"
            let place = try Self.place(folder, server, file)
            func checked() async throws -> [String] {
                try await place.run("check").lines.filter { $0.contains("metrics_file") }
            }
            let before = try await checked()
            #expect(before.count == 1 && before.first?.hasPrefix("FAIL") == true, "\(before)")
            try await place.start("serve") { process in
                try await process.says("metrics cannot be written")
                try await eventually("the fault in status") {
                    try await place.run("status").lines.contains { $0.hasPrefix("fault") && $0.contains(file) }
                }
                let result = try await place.run("status", "--check")
                #expect(result.status == 1 && result.lines.first?.contains(file) == true, "\(result.lines)")
                try place.makeFolder("missing")
                try await eventually("no fault any more") {
                    try await place.run("status").lines.allSatisfy { !$0.hasPrefix("fault") }
                }
                #expect(place.exists("missing/parlograph.prom"))
            }
            let after = try await checked()
            #expect(after.count == 1 && after.first?.hasPrefix("ok") == true, "\(after)")
        }
    }

    @Test func withoutAConfigurationNothingIsKnown() async throws {
        try await withTemporaryDirectory { folder in
            let missing = folder.appending("missing.toml").string
            let ended = try await Program.run(
                ["status", "--check", "--config", missing].map { Array($0.utf8) }, folder: folder)
            #expect(ended.status == 3)
            #expect(ended.lines == ["PARLOGRAPH UNKNOWN - The configuration cannot be read."])
            #expect(ended.errors.contains("missing.toml cannot be read"))
        }
    }

    @Test func theFileMustBeOneThatCollectorsRead() async throws {
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, top: #"metrics_file = "/var/lib/node/parlograph.txt""#)
            let ended = try await place.run("serve", "--once")
            #expect(ended.status == 78 && ended.errors.contains("metrics_file: "), "\(ended.errors)")
        }
    }
}
