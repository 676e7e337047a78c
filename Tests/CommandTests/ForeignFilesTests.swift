import SystemPackage
import TestSupport
import Testing

/// A camera's or a meeting's folder in an inbox: the recordings, and what lies beside them.
@Suite(.serialized)
struct ForeignFilesTests {
    private static let companions: [(name: String, bytes: [UInt8])] = [
        ("GX01.THM", [0xFF, 0xD8, 0xFF, 0xE0] + [UInt8](repeating: 7, count: 200)),
        ("cover.png", [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + [UInt8](repeating: 0, count: 90)),
        ("meeting/clip.xml", Array("<?xml version=\"1.0\"?><clip/>".utf8)),
        ("meeting/list.m3u", Array("#EXTM3U\ntalk.wav\n".utf8)), ("notes.docx", Array("PK\u{3}\u{4}xxxx".utf8)),
        ("README", Array("Recorded on Monday.".utf8)),
        ("data.bin", (0..<5_000).map { UInt8(truncatingIfNeeded: $0 * 37) }),
        ("empty", []),
    ]

    /// Three recordings, two of which only their content tells, a proxy with sound and the companions.
    private static func fill(_ place: Workplace) throws {
        try place.makeFolder("inbox/meeting")
        try place.writeMarks(0..<4, to: "inbox/GX01.wav")
        try place.writeMarks(0..<4, to: "inbox/GL01.LRV")
        try place.writeMarks(5..<8, to: "inbox/hearing of Monday")
        try place.writeMarks(9..<12, to: "inbox/meeting/track.dat")
        for (name, bytes) in companions { try TestAudioFile.write(bytes, to: place["inbox/\(name)"]) }
    }

    @Test func areLeftInPeace() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "formats = [\"txt\"]\nstatus_page = false")
            try Self.fill(place)
            let left = (["GL01.LRV"] + Self.companions.map(\.name)).sorted()
            for expected in ["3 delivered, 0 partial, 0 failed", "0 delivered, 0 partial, 0 failed"] {
                let ended = try await place.run("serve", "--once")
                #expect(ended.status == 0, "\(ended.errors)")
                #expect(ended.lines == [expected])
                #expect(try place.files("inbox") == left)
                #expect(try place.files("failed").isEmpty)
                #expect(
                    try place.files("outbox") == ["GX01.txt", "hearing of Monday.txt", "meeting/track.txt"])
            }
            let jobs = try await place.run("jobs").lines
            #expect(jobs.count == 3)
            // Somebody expects a transcript of this one.
            try place.write("no sound at all", to: "inbox/broken.mp3")
            let ended = try await place.run("serve", "--once")
            #expect(ended.status == 65 && ended.lines.contains("failed: broken.mp3"), "\(ended.errors)")
            #expect(try place.text("outbox/broken.error.txt").hasPrefix("broken.mp3 could not be transcribed."))
        }
    }

    @Test func theStatusCountsThem() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "formats = [\"txt\"]")
            try Self.fill(place)
            _ = try await place.start("serve") { process in
                try await eventually("nine on the page") {
                    try place.exists("outbox/status.html")
                        && place.text("outbox/status.html").contains(
                            "9 files in the inbox are no recordings and stay there.")
                }
                try await eventually("nine in the status") {
                    try await place.run("status", "--json").lines.first?.contains(#""foreign":9"#) ?? false
                }
                let lines = try await place.run("status").lines
                #expect(lines.contains("other       9 files in the inboxes that are no recordings, left there"))
            }
        }
    }

    @Test func failWithANoteEachWhereThatIsWanted() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(
                folder, server: server, inbox: "formats = [\"txt\"]\nstatus_page = false\nforeign_files = \"fail\"")
            try Self.fill(place)
            let ended = try await place.run("serve", "--once")
            #expect(ended.status == 65)
            #expect(ended.lines.first == "4 delivered, 0 partial, 8 failed", "\(ended.errors)")
            #expect(try place.files("inbox").isEmpty)
            #expect(place.exists("outbox/notes.error.txt") && place.exists("outbox/GL01.txt"))
        }
    }
}
