import Glibc
import ParlographCommands
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// Files of settings that nest without end. Before there was a bound, 6,000 levels in 12 KB ended the service at every
/// start, and 15,000 in the administrator's own file the command.
struct NestingTests {
    /// Ways to nest `levels` deep.
    static let kinds: [(name: String, text: @Sendable (_ levels: Int) -> String)] = [
        ("keys", { String(repeating: "a.", count: $0) + "a = 1\n" }),
        ("quoted keys", { String(repeating: "\"a # [\" . ", count: $0) + "a = 1\n" }),
        ("headers", { "[" + String(repeating: "a.", count: $0 - 1) + "a]\nb = 1\n" }),
        ("lists of headers", { "[[" + String(repeating: "a.", count: $0 - 1) + "a]]\nb = 1\n" }),
        ("lists", { "a = " + String(repeating: "[", count: $0) + String(repeating: "]", count: $0) + "\n" }),
        (
            "inline tables",
            { "a = " + String(repeating: "{a = ", count: $0) + "1" + String(repeating: "}", count: $0) + "\n" }
        ),
        (
            "all of them",
            { levels in
                let parts = levels / 4
                return "[" + String(repeating: "a.", count: parts - 1) + "a]\n" + String(repeating: "b.", count: parts)
                    + "b = " + String(repeating: "[\n", count: parts)
                    + String(repeating: "{c = ", count: levels - 3 * parts) + "1"
                    + String(repeating: "}", count: levels - 3 * parts) + String(repeating: "]", count: parts) + "\n"
            }
        ),
        // What hides it: quotes in comments, comments in strings, quotes at the end of long strings.
        (
            "behind strings",
            {
                "# \"\"\"\na = \"\\\" # '\"\nb = '\\'\nc = \"\"\"\n\\\"\"\" x\"\"\"\"\nd = '''\n'''''\ne = \"\" # '\n"
                    + String(repeating: "f.", count: $0) + "f = 1\n"
            }
        ),
    ]

    private static func fault(_ text: String) -> String? {
        do {
            _ = try ConfigurationText(parsing: text, name: "talk.toml")
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test(arguments: kinds.map(\.name)) func whatNestsTooDeeplyIsNamedByItsLine(name: String) throws {
        let text = try #require(Self.kinds.first { $0.name == name }).text
        #expect(Self.fault(text(64)) == nil)
        for levels in [65, 6000, 100_000] {
            let fault = try #require(Self.fault(text(levels)))
            #expect(fault.hasPrefix("talk.toml, line "))
            #expect(fault.contains("nested more than 64 levels deep"), "\(fault)")
        }
        // Comments and values in front of it do not hide the line.
        let late = try #require(Self.fault("x = 3.1\ny = [1.5, 2.5, \"a.b\"] # a.b.c\n" + text(200)))
        #expect(late.contains("levels deep") && !late.hasPrefix("talk.toml, line 1:"), "\(late)")
    }

    @Test func numbersStringsAndManySectionsAreNoNesting() throws {
        let numbers = "a = [" + String(repeating: "1.5, 1979-05-27T07:32:00.999, \"a.b.c\", ", count: 200) + "]\n"
        let comment = "# " + String(repeating: "[a.{", count: 200) + "\n"
        let long = "b = \"\"\"\n" + String(repeating: "[[a.b.c]]\n", count: 200) + "\"\"\"\n"
        let sections = (0..<200).map { "[x.y\($0)]\na.b = {c = 1, d.e = 2, f = [[1], [2]]}\n" }.joined()
        #expect(Self.fault(numbers + comment + long + sections) == nil)
    }

    /// Far below what a thread of the service has, and without optimisation.
    @Test func theBoundFitsASmallStack() {
        let done = ThreadSignal()
        Thread.start(name: "small", stackBytes: 256 << 10) {
            for kind in Self.kinds { #expect(Self.fault(kind.text(64)) == nil) }
            done.signal()
        }
        #expect(done.wait(seconds: 600))
    }

    @Test(arguments: ["keys", "headers", "lists", "inline tables", "all of them"])
    func inAFolderItIsReportedAndTheServiceGoesOn(name: String) async throws {
        let text = try #require(Self.kinds.first { $0.name == name }).text
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "")
            // What fits a folder's file.
            let levels = [6000, 5000, 4000, 2700, 2400].first { text($0).utf8.count < 16 << 10 }
            try place.write(text(try #require(levels)), to: "inbox/parlograph.toml")
            // A crash came again at every start.
            for second in [0, 10] {
                let ended = try await place.start("serve") { process in
                    try await process.says("ready")
                    try place.writeMarks(second..<second + 3, to: "inbox/\(second).wav")
                    try await eventually("the transcript") {
                        if process.id == nil { throw Late(description: "it ended:\n\(process.errors)") }
                        return place.exists("done/\(second).wav")
                    }
                    process.send(SIGTERM)
                    return try await process.end()
                }
                #expect(ended.status == 0, "\(ended.errors)")
                #expect(ended.errors.split(separator: "\n").count { $0.contains("folder settings are of no use") } == 1)
            }
            let note = try place.text("outbox/parlograph.toml.error.txt")
            #expect(note.contains("parlograph.toml, line "), "\(note)")
            #expect(note.contains("nested more than 64 levels deep"), "\(note)")
        }
    }

    @Test(arguments: [6000, 15_000, 100_000]) func inTheAdministratorsFileItIsAFaultOfTheConfiguration(
        levels: Int
    ) async throws {
        try await withTemporaryDirectory { folder in
            for (number, kind) in Self.kinds.enumerated() {
                let file = folder.appending("\(number).toml")
                try TestAudioFile.write(Array(kind.text(levels).utf8), to: file)
                let ended = try await Program.run(
                    ["check", "--config", file.string].map { Array($0.utf8) }, folder: folder)
                #expect(ended.status == 78, "\(kind.name)")
                #expect(ended.errors.contains("\(number).toml, line "), "\(kind.name): \(ended.errors)")
                #expect(ended.errors.contains("levels deep"), "\(kind.name): \(ended.errors)")
            }
        }
    }

    @Test func aPathLongerThanAnyIsAFaultOfTheConfiguration() async throws {
        try await withTemporaryDirectory { folder in
            let file = folder.appending("long.toml")
            let path = String(repeating: "/b", count: 100_000)
            try TestAudioFile.write(Array("[[inbox]]\npath = \"\(path)\"\n".utf8), to: file)
            let ended = try await Program.run(
                ["check", "--config", file.string].map { Array($0.utf8) }, folder: folder)
            #expect(ended.status == 78)
            #expect(ended.errors.contains("inbox[0].path: may have 4095 bytes, not 200000"), "\(ended.errors)")
        }
    }
}
