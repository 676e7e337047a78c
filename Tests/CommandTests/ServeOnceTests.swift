import Glibc
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// `parlograph serve --once`, and what the service refuses to begin with.
@Suite(.serialized)
struct ServeOnceTests {
    @Test func emptiesTheInboxAndSaysWhatBecameOfIt() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "")
            try place.makeFolder("inbox/court")
            try place.makeFolder("inbox/court/room 3")
            try place.writeMarks(0..<12, to: "inbox/talk.wav")
            try place.writeMarks(20..<24, to: "other.wav")
            try await TestAudioFile.run(
                "lame", ["--quiet", place["other.wav"].string, place["inbox/court/room 3/hearing.mp3"].string])
            try await TestAudioFile.run(
                "flac", ["-s", "-o", place["inbox/court/talk.flac"].string, place["other.wav"].string])
            try place.write("this is no music", to: "inbox/court/broken.mp3")
            try place.write("", to: "inbox/empty.ogg")
            try place.writeMarks(0..<2, to: "inbox/~$talk.wav")

            let ended = try await place.run("serve", "--once")
            #expect(ended.status == 65, "\(ended.errors)")
            #expect(ended.lines.first == "3 delivered, 0 partial, 2 failed")
            #expect(Set(ended.lines.dropFirst()) == ["failed: court/broken.mp3", "failed: empty.ogg"])
            #expect(try place.files("inbox") == ["~$talk.wav"])
            #expect(try place.files("done") == ["court/room 3/hearing.mp3", "court/talk.flac", "talk.wav"])
            #expect(try place.files("failed") == ["court/broken.mp3", "empty.ogg"])
            let outbox = try place.files("outbox").filter { $0 != "status.html" }
            #expect(
                outbox == [
                    "court/broken.error.txt", "court/room 3/hearing.json", "court/room 3/hearing.srt",
                    "court/room 3/hearing.txt", "court/talk.json", "court/talk.srt", "court/talk.txt",
                    "empty.error.txt", "talk.json", "talk.srt", "talk.txt",
                ])
            #expect(try place.text("outbox/talk.txt") == (0..<12).map { "m\($0)" }.joined(separator: " ") + "\n")
            #expect(try place.text("outbox/court/room 3/hearing.txt") == "m20 m21 m22 m23\n")
            let note = try place.text("outbox/court/broken.error.txt")
            #expect(note.hasPrefix("broken.mp3 could not be transcribed."))
            #expect(note.contains("failed"))

            // A second run finds nothing to do.
            let again = try await place.run("serve", "--once")
            #expect(again.status == 0, "\(again.errors)")
            #expect(again.lines == ["0 delivered, 0 partial, 0 failed"])

            let jobs = try await place.run("jobs")
            #expect(jobs.lines.count { $0.contains("delivered") } == 3)
            let failed = try await place.run("jobs", "--failed", "--json")
            #expect(failed.lines.count == 2)
            #expect(failed.lines.allSatisfy { $0.contains(#""state":"failed""#) })
            // No service is running now.
            #expect(try await place.run("status").status == 69)
        }
    }

    @Test func twoRecordingsOfOneStemGetSidecarsOfTheirOwn() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "formats = [\"txt\"]\nafter = \"keep\"")
            try place.writeMarks(0..<3, to: "inbox/talk.wav")
            try place.writeMarks(5..<8, to: "other.wav")
            try await TestAudioFile.run(
                "flac", ["-s", "-o", place["inbox/talk.flac"].string, place["other.wav"].string])
            let ended = try await place.run("serve", "--once")
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(try place.files("inbox") == ["talk.flac", "talk.wav"])
            #expect(try place.text("outbox/talk.txt") == "m5 m6 m7\n")
            #expect(try place.text("outbox/talk.wav.txt") == "m0 m1 m2\n")
            // What is kept is not transcribed again.
            let again = try await place.run("serve", "--once")
            #expect(again.lines == ["0 delivered, 0 partial, 0 failed"])
        }
    }

    /// The state directory was purged or lost: what stands in the outbox, corrected by hand or not, is not paid for again.
    @Test func keptRecordingsThatHaveTheirTranscriptsAreNotTranscribedAgainWithoutAJournal() async throws {
        let server = try FakeTranscriptionServer.hearing { request in
            MarkedAudio.hear(MarkedAudio.decode(file: request.audio) ?? []).contains { $0.number == 44 }
                ? .init(500, text: "out of order") : nil
        }
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(
                folder, server: server, retries: 0, inbox: "formats = [\"txt\", \"json\"]\nafter = \"keep\"")
            try place.makeFolder("inbox/monday")
            try place.writeMarks(0..<3, to: "inbox/monday/talk.wav")
            try place.writeMarks(10..<13, to: "inbox/changed.wav")
            try place.writeMarks(20..<23, to: "inbox/deleted.wav")
            try place.writeMarks(30..<45, to: "inbox/gaps.wav")
            #expect(try await place.run("serve", "--once").status == 75)
            try place.write("m0 m1 m2, as corrected by hand\n", to: "outbox/monday/talk.txt")
            let before = try place.text("outbox/monday/talk.json")
            try place.writeMarks(50..<53, to: "inbox/changed.wav")
            #expect(unlink(place["outbox/deleted.txt"].string) == 0)
            for lost in ["state", "cache"] {
                try await TestAudioFile.run("rm", ["-r", place[lost].string])
            }
            let asked = server.requests.count
            let again = try await place.run("serve", "--once")
            #expect(again.lines.first == "3 delivered, 1 partial, 0 failed", "\(again.errors)")
            let heard = server.requests.dropFirst(asked).flatMap {
                MarkedAudio.hear(MarkedAudio.decode(file: $0.audio) ?? []).map(\.number)
            }
            #expect(Set(heard).isDisjoint(with: 0..<3))
            #expect(Set(heard).isSuperset(of: [50, 51, 52, 20, 21, 22, 44]))
            #expect(try place.text("outbox/monday/talk.txt") == "m0 m1 m2, as corrected by hand\n")
            #expect(try place.text("outbox/monday/talk.json") == before)
            #expect(try place.text("outbox/deleted.txt") == "m20 m21 m22\n")
            #expect(try await place.run("serve", "--once").lines == ["0 delivered, 0 partial, 0 failed"])
        }
    }

    /// `after = "move"` frees the name in the inbox: what comes under it later is another recording.
    @Test func aLaterRecordingOfTheSameNameWipesNothingOut() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "formats = [\"txt\"]")
            try place.writeMarks(0..<2, to: "inbox/talk.wav")
            #expect(try await place.run("serve", "--once").status == 0)
            try place.write("m0 m1, as corrected by hand\n", to: "outbox/talk.txt")
            try place.writeMarks(5..<7, to: "inbox/talk.wav")
            let ended = try await place.run("serve", "--once")
            #expect(ended.lines == ["1 delivered, 0 partial, 0 failed"], "\(ended.errors)")
            #expect(try place.text("outbox/talk.txt") == "m0 m1, as corrected by hand\n")
            #expect(try place.text("outbox/talk (2).txt") == "m5 m6\n")
            #expect(try place.files("done") == ["talk (2).wav", "talk.wav"])
        }
    }

    @Test func checkFindsWhatTheServiceWouldStumbleOver() async throws {
        let server = try FakeTranscriptionServer { _ in .init(401, text: "no such key") }
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "")
            let refused = try await place.run("check")
            #expect(refused.status == 69, "\(refused.errors)")
            #expect(refused.lines.contains { $0.hasPrefix("FAIL  engine fake: ") && $0.contains("api_key_file") })
            #expect(refused.lines.contains { $0.hasPrefix("ok    inbox \(place.inbox.string): writable") })
            #expect(rmdir(place["done"].string) == 0)
            try place.write("in the way", to: "done")
            let inTheWay = try await place.run("check")
            #expect(inTheWay.status == 78)
            #expect(inTheWay.lines.contains { $0.hasPrefix("FAIL  done ") && $0.contains(": is not a folder. Choose") })
            // It only looks.
            #expect(!place.exists("state"))
        }
    }

    @Test func checkKnowsWhatTheOfflineEngineUnderstands() async throws {
        try await withTemporaryDirectory { folder in
            let place = try Workplace(
                folder,
                """
                \(Workplace.inbox(in: folder))
                language = "de"
                """)
            let refused = try await place.run("check", environment: ["PARLOGRAPH_INBOX_ENGIN": "x"])
            #expect(refused.status == 78)
            let words = "moonshine-tiny-en, knows en only"
            #expect(refused.lines.contains { $0.hasPrefix("FAIL  inbox ") && $0.contains(words) })
            #expect(refused.lines.contains { $0.hasPrefix("note  configuration: PARLOGRAPH_INBOX_ENGIN ") })
            // What the unit asks before it sends the signal.
            let reload = try await place.run("check", "--configuration-only")
            #expect(reload.status == 78 && reload.lines.contains { $0.contains(words) }, "\(reload.lines)")
            let served = try await place.run("serve", "--once")
            #expect(served.status == 78 && served.errors.contains(words), "\(served.errors)")
            let fine = try await place.run("check", environment: ["PARLOGRAPH_INBOX_LANGUAGE": "en-GB"])
            #expect(fine.status == 0, "\(fine.lines)")
        }
    }

    @Test func ofTwoFailedRecordingsOfOneNameEachCanBeTriedAgain() async throws {
        let server = try FakeTranscriptionServer { _ in .init(500) }
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "")
            for take in ["first", "second"] {
                try place.write("the \(take) is no audio", to: "inbox/talk.wav")
                #expect(try await place.run("serve", "--once").status == 65)
            }
            #expect(try place.files("failed") == ["talk (2).wav", "talk.wav"])
            // The newest first.
            for take in ["second", "first"] {
                let retry = try await place.run("jobs", "retry", "talk.wav")
                #expect(retry.status == 0, "\(retry.errors)")
                #expect(try place.text("inbox/talk.wav") == "the \(take) is no audio")
                #expect(unlink(place["inbox/talk.wav"].string) == 0)
            }
            #expect(try place.files("failed").isEmpty)
            #expect(try await place.run("jobs", "--failed").lines.isEmpty)
        }
    }

    @Test func aFolderInsideTheInboxIsRefused() async throws {
        try await withTemporaryDirectory { folder in
            let place = try Workplace(
                folder,
                """
                [[inbox]]
                path = "\(folder.string)/inbox"
                outbox = "\(folder.string)/inbox/texts"
                done = "\(folder.string)/done"
                failed = "\(folder.string)/failed"
                """)
            let ended = try await place.run("serve", "--once")
            #expect(ended.status == 78)
            #expect(ended.errors.contains("outbox") && ended.errors.contains("inside the inbox"))
            #expect(!place.exists("inbox/texts"))
        }
    }
}
