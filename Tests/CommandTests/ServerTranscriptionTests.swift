import Glibc
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// The program with a transcription server that hears `MarkedAudio`.
@Suite(.serialized)
struct ServerTranscriptionTests {
    @Test func everyWordComesOnceInOrderAndInTime() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server)
            try place.writeMarks(0..<150, to: "talk.wav")
            let ended = try await place.run("transcribe", "--engine", "fake", "talk.wav")
            #expect(ended.status == 0, "\(ended.errors)")
            let transcript = try place.transcript("talk.json")
            #expect(transcript.marks == Array(0..<150))
            #expect(transcript.worstOffset() < 0.05)
            #expect(transcript.chunks.count > 10)
            #expect(transcript.duration == 150)
            #expect(server.requests.count == transcript.chunks.count)
            #expect((2...4).contains(server.maximumInFlight))
        }
    }

    @Test func aPartThatFailsForGoodIsAMarkedGapAndShiftsNothing() async throws {
        let server = try FakeTranscriptionServer.hearing { request in
            let samples = MarkedAudio.decode(file: request.audio) ?? []
            let isBad = MarkedAudio.hear(samples).contains { $0.number == 24 }
            return isBad ? .init(500, text: "out of order") : nil
        }
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server)
            try place.writeMarks(0..<60, to: "talk.wav")
            let ended = try await place.run("transcribe", "--engine", "fake", "talk.wav")
            #expect(ended.status == 75, "\(ended.errors)")
            let transcript = try place.transcript("talk.json")
            let gap = try #require(transcript.gaps.first)
            #expect(transcript.gaps.count == 1)
            let end = try #require(gap.end)
            #expect(gap.start <= 24 && end >= 24.8 && end - gap.start <= 12)
            #expect(gap.reason.contains("500"))
            let heard = (0..<60).filter { Double($0) < gap.start - 0.5 || Double($0) >= end - 0.3 }
            #expect(transcript.marks == heard)
            #expect(transcript.worstOffset() < 0.05)
            let marker = "[untranscribed 00:00:\(Int(gap.start))–00:00:\(Int(end.rounded(.up)))]"
            #expect(try place.text("talk.txt").contains("\n\(marker)\n"))
            #expect(try place.text("talk.srt").contains(marker))
            #expect(ended.errors.contains("no text for"))
        }
    }

    @Test func aRefusedKeyEndsTheRunAndIsShownNowhere() async throws {
        let key = "sk-parlograph-4711-secret"
        let server = try FakeTranscriptionServer { request in
            let sent = request.headers["authorization"] ?? ""
            return .init(401, text: #"{"error":{"message":"Incorrect API key provided: \#(sent)","type":"x"}}"#)
        }
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, engine: "api_key_file = \"\(folder.string)/key\"")
            try place.write(key + "\n", to: "key")
            try place.writeMarks(0..<140, to: "talk.wav")
            let ended = try await place.run("transcribe", "--engine", "fake", "talk.wav")
            #expect(ended.status == 69)
            #expect(ended.errors.contains("api_key_file"))
            #expect(server.requests.allSatisfy { $0.headers["authorization"] == "Bearer \(key)" })
            #expect(server.requests.count == 1)
            #expect(!ended.errors.contains("4711"))
            for file in try place.files("") where file != "key" {
                #expect(try TestAudioFile.read(place[file]).firstRange(of: Array("4711".utf8)) == nil, "\(file)")
            }
            #expect(!place.exists("talk.txt"))
        }
    }

    @Test func case57_aLastCrumbIsNoRequestOfItsOwn() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server)
            // A twentieth of a second of the next mark behind 30 s.
            let samples = MarkedAudio.samples(seconds: 0..<31).prefix(30 * MarkedAudio.rate + 800)
            try TestAudioFile.write(TestWave(Array(samples)).bytes, to: place["talk.wav"])
            let ended = try await place.run("transcribe", "--engine", "fake", "talk.wav")
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(try place.transcript("talk.json").marks == Array(0..<30))
            let lengths = server.requests.map { MarkedAudio.decode(file: $0.audio)?.count ?? 0 }
            #expect(lengths.allSatisfy { $0 >= MarkedAudio.rate }, "\(lengths)")
        }
    }

    @Test func aKeyThatIsRefusedLateIsShownOnceWhereTheListOfModelsIsGuarded() async throws {
        let server = try FakeTranscriptionServer(models: { _ in .init(403, text: #"{"detail":"no"}"#) }) { _ in
            // Later than the others would be sent if nothing were known of the key.
            usleep(900_000)
            return .init(403, text: #"{"detail":"no"}"#)
        }
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, engine: "api_key = \"sk-4711\"")
            try place.writeMarks(0..<60, to: "talk.wav")
            let ended = try await place.run("transcribe", "--engine", "fake", "talk.wav")
            #expect(ended.status == 69)
            #expect(server.requests.count == 1 && server.questions.count == 1)
        }
    }

    @Test func aServerThatAsksForAPauseGetsIt() async throws {
        let times = Mutex<[ContinuousClock.Instant]>([])
        let server = try FakeTranscriptionServer.hearing { request in
            times.withLock { $0.append(.now) }
            return request.number == 0
                ? .init(429, headers: [(name: "Retry-After", value: "1")], text: "slow down") : nil
        }
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, concurrency: 1, retries: 0)
            try place.writeMarks(0..<20, to: "talk.wav")
            let ended = try await place.run("transcribe", "--engine", "fake", "talk.wav")
            #expect(ended.status == 0, "\(ended.errors)")
            let seen = times.withLock { $0 }
            try #require(seen.count >= 3)
            #expect(seen[1] - seen[0] >= .seconds(1))
            #expect(try place.transcript("talk.json").marks == Array(0..<20))
        }
    }

    @Test func equalStretchesAreAskedForOnce() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server)
            // A jingle of 10 s, six times: cut every 10 s at the same place of it.
            let jingle = MarkedAudio.samples(seconds: 0..<10)
            let samples = (0..<6).flatMap { _ in jingle }
            try TestAudioFile.write(TestWave(samples).bytes, to: place["talk.wav"])
            let ended = try await place.run("transcribe", "--engine", "fake", "talk.wav")
            #expect(ended.status == 0, "\(ended.errors)")
            let transcript = try place.transcript("talk.json")
            let different = Set(transcript.chunks.map(\.hash)).count
            #expect(different < transcript.chunks.count)
            #expect(server.requests.count == different)
            #expect(transcript.marks == (0..<60).map { $0 % 10 })
        }
    }

    @Test func interruptedAtOnceWithoutLosingWhatWasPaidFor() async throws {
        let gate = FakeTranscriptionServer.Gate()
        let isPatient = Mutex(false)
        let server = try FakeTranscriptionServer.hearing { request in
            request.number == 0 || isPatient.withLock { $0 } ? nil : .init(503, text: "", gate: gate)
        }
        defer {
            gate.open()
            server.stop()
        }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, concurrency: 2)
            try place.writeMarks(0..<40, to: "talk.wav")
            let ended = try await place.start("transcribe", "--engine", "fake", "talk.wav") { process in
                // The first answer has come when the third request goes out.
                try await eventually("three requests") { server.requests.count >= 3 }
                // It ends although the server never answers these.
                process.send(SIGINT)
                return try await process.end()
            }
            #expect(ended.status == 130, "\(ended.errors)")
            #expect(ended.output.isEmpty)
            #expect(try place.files("").filter { $0.contains("talk") } == ["talk.wav"])

            let before = server.requests.count
            isPatient.withLock { $0 = true }
            let again = try await place.run("transcribe", "--engine", "fake", "talk.wav")
            #expect(again.status == 0, "\(again.errors)")
            let transcript = try place.transcript("talk.json")
            #expect(transcript.marks == Array(0..<40))
            #expect(transcript.cache_hits == 1)
            #expect(server.requests.count - before == transcript.chunks.count - 1)
        }
    }
}
