import Glibc
import Synchronization
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// Recordings that are not there yet, change while they are read, or have names that nobody expects.
@Suite(.serialized)
struct CompletenessTests {
    private static func bytes(_ seconds: Range<Int>) -> [UInt8] {
        TestWave(MarkedAudio.samples(seconds: seconds)).bytes
    }

    @Test func whatIsCutOffStaysInTheInboxWithANote() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "")
            let whole = Self.bytes(0..<4)
            try place.makeFolder("inbox/court")
            try TestAudioFile.write(Array(whole.dropLast(40_000)), to: place["inbox/court/talk.wav"])
            try place.writeMarks(10..<12, to: "inbox/other.wav")
            let ended = try await place.run("serve", "--once")
            #expect(ended.status == 75, "\(ended.errors)")
            #expect(ended.lines == ["1 delivered, 0 partial, 0 failed, 1 incomplete"])
            #expect(try place.files("inbox") == ["court/talk.wav"])
            let note = try place.text("outbox/court/talk.wav.error.txt")
            #expect(note.hasPrefix("talk.wav is not complete: 86.0 KB of 125.0 KB arrived.\n\nCopy it again."))
            #expect(try await place.run("jobs").lines.count == 1)

            try TestAudioFile.write(whole, to: place["inbox/court/talk.wav"])
            let again = try await place.run("serve", "--once")
            #expect(again.lines == ["1 delivered, 0 partial, 0 failed"], "\(again.errors)")
            #expect(!place.exists("outbox/court/talk.wav.error.txt"))
            #expect(try place.text("outbox/court/talk.txt") == "m0 m1 m2 m3\n")
        }
    }

    /// The first chunk is being transcribed when the file is written again; what was heard of the first is not delivered.
    @Test func whatChangesWhileItIsReadIsReadAgain() async throws {
        let target = Mutex<FilePath?>(nil)
        let server = try FakeTranscriptionServer.hearing { _ in
            let path = target.withLock { path in
                defer { path = nil }
                return path
            }
            if let path { try? TestAudioFile.write(Self.bytes(0..<6), to: path) }
            return nil
        }
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "formats = [\"txt\"]")
            target.withLock { $0 = place["inbox/talk.wav"] }
            let ended = try await place.start("serve") { process in
                try await process.says("ready")
                try place.writeMarks(0..<3, to: "inbox/talk.wav")
                try await eventually("done") { place.exists("done/talk.wav") }
                process.send(SIGTERM)
                return try await process.end()
            }
            #expect(ended.errors.contains("changed or went away while it was read"), "\(ended.errors)")
            #expect(try place.files("outbox").filter { $0 != "status.html" } == ["talk.txt"])
            #expect(try place.text("outbox/talk.txt") == "m0 m1 m2 m3 m4 m5\n")
            #expect(try TestAudioFile.read(place["done/talk.wav"]) == Self.bytes(0..<6))
            #expect(try await place.run("jobs").lines.count == 1)
        }
    }

    /// Another recording gets the name while the first is being transcribed: both are delivered, and only the second is
    /// there to be moved.
    @Test(arguments: ["auto", "poll"]) func whatComesUnderTheNameOfARecordingInWorkIsAnotherOne(_ watch: String)
        async throws
    {
        let move = Mutex<(FilePath, FilePath)?>(nil)
        let server = try FakeTranscriptionServer.hearing { _ in
            let paths = move.withLock { paths in
                defer { paths = nil }
                return paths
            }
            if let paths { rename(paths.0.string, paths.1.string) }
            return nil
        }
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(
                folder, server: server, inbox: "formats = [\"txt\"]\nwatch = \"\(watch)\"\nrescan_seconds = 1")
            try place.writeMarks(10..<14, to: "second.wav")
            move.withLock { $0 = (place["second.wav"], place["inbox/talk.wav"]) }
            let ended = try await place.start("serve") { process in
                try await process.says("ready")
                try place.writeMarks(0..<3, to: "inbox/talk.wav")
                try await eventually("done") { place.exists("done/talk.wav") }
                process.send(SIGTERM)
                return try await process.end()
            }
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(try place.files("inbox").isEmpty)
            #expect(try place.files("done") == ["talk.wav"])
            #expect(try TestAudioFile.read(place["done/talk.wav"]) == Self.bytes(10..<14))
            #expect(try place.text("outbox/talk.txt") == "m0 m1 m2\n")
            #expect(try place.text("outbox/talk (2).txt") == "m10 m11 m12 m13\n")
        }
    }

    /// Somebody tidies up while a recording is in work: it is delivered once, under the name it has then.
    @Test(arguments: ["meeting.wav", "monday/talk.wav"]) func aRecordingThatIsRenamedWhileInWorkIsDeliveredOnce(
        _ name: String
    ) async throws {
        let gate = FakeTranscriptionServer.Gate()
        let server = try FakeTranscriptionServer.hearing(behind: gate)
        defer {
            gate.open()
            server.stop()
        }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "formats = [\"txt\"]")
            try place.makeFolder("inbox/monday")
            let ended = try await place.start("serve") { process in
                try await process.says("ready")
                try place.writeMarks(0..<3, to: "inbox/talk.wav")
                try await eventually("a request") { !server.requests.isEmpty }
                try place.move("inbox/talk.wav", "inbox/\(name)")
                try await eventually("a job of the new name") {
                    try await place.run("jobs", "--json").lines.count == 2
                }
                gate.open()
                try await eventually("done") { place.exists("done/\(name)") }
                try await eventually("one job") { try await place.run("jobs").lines.count == 1 }
                process.send(SIGTERM)
                return try await process.end()
            }
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(try place.files("done") == [name])
            let transcripts = try place.files("outbox").filter { $0.hasSuffix(".txt") }
            #expect(transcripts == [name.replacing(".wav", with: ".txt")])
            #expect(server.requests.count == 1)
        }
    }

    @Test func aFailedRecordingThatChangesIsTriedAgain() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "formats = [\"txt\"]\nafter = \"keep\"")
            let ended = try await place.start("serve") { process in
                try await process.says("ready")
                try place.write("this is no music at all", to: "inbox/talk.wav")
                try await eventually("the note") { place.exists("outbox/talk.error.txt") }
                try place.writeMarks(0..<3, to: "inbox/talk.wav")
                try await eventually("the transcript") { place.exists("outbox/talk.txt") }
                try await eventually("the note gone") { !place.exists("outbox/talk.error.txt") }
                process.send(SIGTERM)
                return try await process.end()
            }
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(try place.text("outbox/talk.txt") == "m0 m1 m2\n")
        }
    }

    @Test func namesAndThingsThatNobodyExpects() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "formats = [\"txt\"]\nportable_names = false")
            let recording = Self.bytes(0..<2)
            let names: [[UInt8]] = [
                Array("bad-".utf8) + [0xFF, 0xFE] + Array(".wav".utf8), Array("two\nlines.wav".utf8),
                Array("-rf.wav".utf8), [UInt8](repeating: 0x61, count: 251) + Array(".wav".utf8),
                Array("\u{1F399}\u{FE0F} Gespräch.wav".utf8), Array("Mu\u{308}nchen.wav".utf8),
                Array("CON.wav".utf8), Array("trailing. ".utf8), Array("a\\b:c?d*.wav".utf8),
            ]
            for name in names {
                try TestAudioFile.write(recording, to: place.inbox.pushing(RawName(bytes: name).path))
            }
            try place.makeFolder("inbox/x.mp3")
            try TestAudioFile.write(recording, to: place["inbox/x.mp3/inner.wav"])
            try TestAudioFile.write(recording, to: place["outside.wav"])
            #expect(link(place["inbox/-rf.wav"].string, place["inbox/hard.wav"].string) == 0)
            #expect(symlink(place["outside.wav"].string, place["inbox/soft.wav"].string) == 0)
            #expect(symlink(place.folder.string, place["inbox/folder"].string) == 0)
            #expect(mkfifo(place["inbox/pipe.wav"].string, 0o600) == 0)
            #expect(mknod(place["inbox/socket.wav"].string, S_IFSOCK | 0o600, 0) == 0)
            try Self.writeSparse(to: place["inbox/sparse.wav"])

            let ended = try await place.run("serve", "--once")
            #expect(ended.lines == ["\(names.count + 3) delivered, 0 partial, 0 failed"], "\(ended.errors)")
            #expect(try place.files("inbox") == ["folder", "pipe.wav", "socket.wav", "soft.wav"])
            #expect(try place.files("done").count == names.count + 3)
            for name in ["folder", "pipe.wav", "socket.wav", "soft.wav"] {
                #expect(
                    ended.errors.split(separator: "\n").contains {
                        $0.contains("left alone") && $0.contains("file=\(name)")
                    }, "\(name)")
            }
            // Each came out under its own bytes.
            for name in names where name.count < 240 {
                let base = name.lastIndex(of: 0x2E).map { Array(name[..<$0]) } ?? name
                let sidecar = place["outbox"].pushing(RawName(bytes: base + Array(".txt".utf8)).path)
                #expect((try? TestAudioFile.read(sidecar)) == Array("m0 m1\n".utf8), "\(sidecar.printable)")
            }
            #expect(try place.text("outbox/x.mp3/inner.txt") == "m0 m1\n")
            #expect(try place.files("outbox").filter { $0 != "status.html" }.count == names.count + 3)
            #expect(try place.files("outbox").allSatisfy { !$0.contains("error") })
        }
    }

    /// A second of sound, a hole where nothing is said, a second of sound.
    private static func writeSparse(to path: FilePath) throws {
        let gap = MarkedAudio.samples(seconds: 0..<1).map { _ in Int16(0) }
        let wave = TestWave(
            MarkedAudio.samples(seconds: 0..<1) + gap + gap + MarkedAudio.samples(seconds: 3..<4)
        ).bytes
        let file = try OwnedDescriptor(opening: path, flags: O_WRONLY | O_CREAT)
        try file.descriptor.writeAll(wave.prefix(33_000))
        let place = Int64(44 + 3 * 32_000)
        guard lseek(file.descriptor.rawValue, off_t(place), SEEK_SET) == place else { throw Late(description: "lseek") }
        try file.descriptor.writeAll(wave.suffix(from: Int(place)))
    }
}
