import FoundationEssentials
import Glibc
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import Transcription

/// What the outbox of recordings looks like whose names Windows cannot show.
@Suite(.serialized)
struct PortableNamesTests {
    /// The true name of a recording, by its `.json`.
    private static func source(_ place: Workplace, _ path: String) throws -> String? {
        struct Contents: Decodable {
            struct Source: Decodable { let name: String }
            let source: Source
        }
        return try JSONDecoder().decode(Contents.self, from: Data(place.text(path).utf8)).source.name
    }

    @Test func everythingInTheOutboxHasANameThatWindowsShows() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(
                folder, server: server, inbox: "formats = [\"txt\", \"json\"]\nstatus_page = false")
            for folder in ["Termin 10:30", "Termin 10_30"] {
                try place.makeFolder("inbox/\(folder)")
                try place.writeMarks(1..<3, to: "inbox/\(folder)/talk.wav")
            }
            let names = [
                "Besprechung 10:30.wav", "Besprechung 10_30.wav", "besprechung 10?30.wav", "AUX.wav", "Ende..wav",
                "Ende.wav",
                "\"Zitat\" | a\nb.wav", "Besprechung März.wav",
            ]
            for name in names { try place.writeMarks(1..<3, to: "inbox/\(name)") }
            try place.write("no sound", to: "inbox/was?.mp3")
            let ended = try await place.run("serve", "--once")
            #expect(ended.lines.first == "\(names.count + 2) delivered, 0 partial, 1 failed", "\(ended.errors)")
            let files = try place.files("outbox")
            for file in files {
                for part in RawName(bytes: file.utf8).components {
                    #expect(PortableName.shown(part) == part, "\(file)")
                }
            }
            #expect(files.count == 2 * (names.count + 2) + 1)
            #expect(Set(files.map { $0.lowercased() }).count == files.count)
            for file in ["Besprechung März.txt", "AUX_.txt", "Ende.txt", "_Zitat_ _ a_b.txt", "was_.error.txt"] {
                #expect(files.contains(file), "\(file)")
            }
            #expect(files.contains("Termin 10_30/talk.txt"))
            #expect(files.contains { $0.hasPrefix("Termin 10_30~") && $0.hasSuffix("/talk.json") })
            let sources = try files.filter { $0.hasSuffix(".json") && !$0.contains("/") }.map {
                try Self.source(place, "outbox/\($0)")
            }
            #expect(Set(sources).count == names.count && sources.contains("Besprechung 10:30.wav"))
            #expect(sources.contains("AUX.wav"))
            // The recordings themselves keep their names.
            #expect(try place.files("done").contains("Besprechung 10:30.wav"))
        }
    }

    @Test func bytesThatAreNotUTF8StayAsTheyAre() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "formats = [\"txt\"]\nstatus_page = false")
            let name = RawName(bytes: [0x4D, 0xFC, 0x6C, 0x6C, 0x65, 0x72] + Array(".wav".utf8))
            try TestAudioFile.write(
                TestWave(MarkedAudio.samples(seconds: 1..<3)).bytes, to: place["inbox"].pushing(name.path))
            let ended = try await place.run("serve", "--once")
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(try place.files("outbox") == [#"M\xfcller.txt"#])
        }
    }

    /// Transcripts of a version that named them otherwise: with its journal, and without.
    @Test(arguments: [true, false]) func whatWasDeliveredBeforeIsNotDeliveredAgain(hasJournal: Bool) async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let inbox = "formats = [\"txt\", \"json\"]\nafter = \"keep\"\nstatus_page = false\n"
            let before = try Workplace(folder, server: server, inbox: inbox + "portable_names = false")
            try before.makeFolder("inbox/a:b")
            for name in ["10:30.wav", "AUX.wav", "a:b/talk.wav", "fine.wav"] {
                try before.writeMarks(1..<3, to: "inbox/\(name)")
            }
            #expect(try await before.run("serve", "--once").status == 0)
            let files = try before.files("outbox")
            #expect(files.contains("10:30.txt") && files.contains("AUX.json") && files.contains("a:b/talk.txt"))
            let settings = try before.text("parlograph.toml")
            try before.write(settings.replacing("portable_names = false", with: ""), to: "parlograph.toml")
            if hasJournal {
                // Looked at again, as after a restore that keeps no times.
                for name in ["10:30.wav", "a:b/talk.wav"] { #expect(utimes(before["inbox/\(name)"].string, nil) == 0) }
            } else {
                for name in try before.files("state") { #expect(unlink(before["state/\(name)"].string) == 0) }
            }
            let ended = try await before.run("serve", "--once")
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(try before.files("outbox") == files)
            // One that comes now has a name that Windows shows.
            try before.writeMarks(4..<6, to: "inbox/11:45.wav")
            #expect(try await before.run("serve", "--once").status == 0)
            #expect(try before.text("outbox/11_45.txt") == "m4 m5\n")
        }
    }

    /// At a terminal on Linux the name that was given counts.
    @Test func transcribeKeepsTheNameThatWasGiven() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server)
            try place.writeMarks(1..<3, to: "10:30.wav")
            let ended = try await place.run(
                "transcribe", "--engine", "fake", "-o", "out", "--formats", "txt", "10:30.wav")
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(try place.files("out") == ["10:30.txt"])
        }
    }
}
