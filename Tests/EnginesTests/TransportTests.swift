import Engines
import Glibc
import SystemSupport
import TestSupport
import Testing
import Transcription

/// What the network and servers do to a request on its way.
@Suite(.timeLimit(.minutes(20))) struct TransportTests {
    private static let ok = #"{"text":"ok","segments":[{"start":0,"end":1,"text":"ok"}]}"#
    private let options = TranscriptionOptions()

    /// Noise: does not pack, so the body is long enough to be in the middle of.
    private func noise(seconds: Int) -> Chunk {
        var generator = SystemRandomNumberGenerator()
        let second = (0..<16_000).map { _ in Int16.random(in: .min ... .max, using: &generator) }
        return chunk(Array(repeatElement(second, count: seconds).joined()))
    }

    /// {"text":"packed"}
    @Test(
        arguments: [
            (
                "gzip",
                [
                    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0xab, 0x56, 0x2a, 0x49, 0xad, 0x28,
                    0x51,
                    0xb2, 0x52, 0x2a, 0x48, 0x4c, 0xce, 0x4e, 0x4d, 0x51, 0xaa, 0x05, 0x00, 0xe4, 0x72, 0xbe, 0xed,
                    0x11,
                    0x00, 0x00, 0x00,
                ]
            ),
            (
                "br",
                [
                    0x0f, 0x08, 0x80, 0x7b, 0x22, 0x74, 0x65, 0x78, 0x74, 0x22, 0x3a, 0x22, 0x70, 0x61, 0x63, 0x6b,
                    0x65, 0x64, 0x22, 0x7d, 0x03,
                ]
            ),
        ] as [(String, [UInt8])])
    func case25_packedBody(_ coding: String, _ packed: [UInt8]) async throws {
        let server = try FakeTranscriptionServer { _ in
            .init(headers: [("Content-Encoding", coding)], body: packed)
        }
        defer { server.stop() }
        let heard = try await engine(server).transcribe(marked(0..<1), options: options)
        #expect(heard.segments.map(\.text) == ["packed"])
        #expect(server.requests.first?.headers["accept-encoding"]?.contains(coding) == true)
    }

    @Test func case17_answerBreaksOff() async throws {
        let server = try FakeTranscriptionServer { _ in .init(text: Self.ok, ending: .truncated) }
        defer { server.stop() }
        let cloud = try engine(server)
        let error = await transcriptionError { try await cloud.transcribe(marked(0..<1), options: options) }
        #expect(error?.remedy == .retry(after: nil))
        #expect(error?.pressure == .strained)
    }

    @Test func case19_answerWithoutEnd() async throws {
        let server = try FakeTranscriptionServer { _ in .init(body: [UInt8](repeating: 0x20, count: 40 << 20)) }
        defer { server.stop() }
        let cloud = try engine(server)
        let error = await transcriptionError { try await cloud.transcribe(marked(0..<1), options: options) }
        #expect(error?.remedy == .giveUpChunk)
        #expect(error?.message.contains("32 MiB") == true)
    }

    /// One line longer than libcurl takes; more lines than are kept.
    @Test(arguments: [[200_000], Array(repeating: 2000, count: 40)])
    func case19_headerWithoutEnd(_ lengths: [Int]) async throws {
        let headers = lengths.enumerated().map { (name: "X-\($0)", value: String(repeating: "a", count: $1)) }
        let server = try FakeTranscriptionServer { _ in .init(headers: headers, text: Self.ok) }
        defer { server.stop() }
        let cloud = try engine(server)
        let error = await transcriptionError { try await cloud.transcribe(marked(0..<1), options: options) }
        #expect(error?.remedy == .giveUpChunk)
        #expect(error?.message.contains("header of more than 64 KiB") == true, "\(String(describing: error))")
    }

    @Test(arguments: [FakeTranscriptionServer.Response.Ending.reset, .nothing])
    func case41_resetAfterUpload(_ ending: FakeTranscriptionServer.Response.Ending) async throws {
        let server = try FakeTranscriptionServer { _ in .init(text: Self.ok, ending: ending) }
        defer { server.stop() }
        let cloud = try engine(server)
        let error = await transcriptionError { try await cloud.transcribe(marked(0..<1), options: options) }
        #expect(error?.remedy == .retry(after: nil))
        #expect(error?.pressure == .strained)
        #expect(error?.message.contains("cloud") == true)
    }

    @Test func case41_resetInTheMiddleOfTheUpload() async throws {
        let server = try FakeTranscriptionServer(early: { _ in .reset(afterBytes: 200_000) }) { _ in .init() }
        defer { server.stop() }
        let cloud = try engine(server)
        let error = await transcriptionError { try await cloud.transcribe(noise(seconds: 60), options: options) }
        #expect(error?.remedy == .retry(after: nil))
    }

    @Test(arguments: [false, true]) func case42_stall(_ beforeBody: Bool) async throws {
        let server = try FakeTranscriptionServer(early: { _ in beforeBody ? .stall : .readBody }) { _ in
            .init(text: Self.ok, ending: .stall)
        }
        defer { server.stop() }
        let cloud = try engine(server) { $0.requestTimeout = .milliseconds(300) }
        let piece = marked(0..<1)
        let first = await transcriptionError { try await cloud.transcribe(piece, options: options) }
        #expect(first?.remedy == .retry(after: nil))
        #expect(first?.pressure == .strained)
        #expect(first?.message.contains("has not answered within 0.3 s") == true)
        let second = await transcriptionError { try await cloud.transcribe(piece, options: options) }
        #expect(second?.remedy == .retry(after: nil), "nothing is answered: shorter chunks are no help")
    }

    @Test func case42_whatIsTooSlowTwiceIsCutWhereSomethingShortIsAnswered() async throws {
        let server = try FakeTranscriptionServer(early: { request in
            (request.headers["content-length"].flatMap { Int($0) } ?? 0) > 60_000 ? .stall : .readBody
        }) { _ in .init(text: Self.ok) }
        defer { server.stop() }
        let cloud = try engine(server) { $0.requestTimeout = .milliseconds(500) }
        let long = noise(seconds: 10)
        let first = await transcriptionError { try await cloud.transcribe(long, options: options) }
        #expect(first?.remedy == .retry(after: nil))
        let second = await transcriptionError { try await cloud.transcribe(long, options: options) }
        #expect(second?.remedy == .split(maximumSamples: nil))
        #expect(await transcriptionError { try await cloud.absence(turn: RequestContext()) } == nil)
    }

    @Test func whoEndsTheConnectionWithoutAnAnswerIsAway() async throws {
        let server = try FakeTranscriptionServer { _ in .init(ending: .nothing) }
        defer { server.stop() }
        #expect(try await engine(server).absence(turn: RequestContext())?.remedy == .retry(after: nil))
    }

    @Test func whoRefusesTheSampleIsThere() async throws {
        let server = try FakeTranscriptionServer { _ in .init(400, text: "too little") }
        defer { server.stop() }
        #expect(try await engine(server).absence(turn: RequestContext()) == nil)
    }

    /// Where it cannot even be connected to, shorter chunks are no help.
    @Test func case42_aConnectionThatIsNotMadeInTimeIsNoReasonToCut() async throws {
        // Nobody accepts: the queue of one is full, what else comes is not answered.
        let listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let fillers = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic -> [CInt] in
                guard bind(listener, generic, length) == 0, listen(listener, 0) == 0,
                    getsockname(listener, generic, &length) == 0
                else { return [] }
                return (0..<4).map { _ in
                    let filler = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue), 0)
                    _ = connect(filler, generic, length)
                    return filler
                }
            }
        }
        defer { for filler in fillers { close(filler) } }
        try #require(!fillers.isEmpty)
        let server = try FakeTranscriptionServer { _ in .init() }
        defer { server.stop() }
        let cloud = try engine(server) {
            $0.baseURLs = ["http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))"]
            $0.requestTimeout = .milliseconds(200)
        }
        for _ in 0..<3 {
            let error = await transcriptionError { try await cloud.transcribe(marked(0..<1), options: options) }
            #expect(error?.remedy == .retry(after: nil))
        }
    }

    @Test func case42_slowBodyIsWaitedFor() async throws {
        let server = try FakeTranscriptionServer { _ in
            var response = FakeTranscriptionServer.Response(text: Self.ok)
            response.drip = 3
            return response
        }
        defer { server.stop() }
        #expect(try await engine(server).transcribe(marked(0..<1), options: options).segments.map(\.text) == ["ok"])
    }

    @Test func chunkedAnswer() async throws {
        let server = try FakeTranscriptionServer { _ in
            var response = FakeTranscriptionServer.Response(text: Self.ok)
            response.isChunked = true
            return response
        }
        defer { server.stop() }
        #expect(try await engine(server).transcribe(marked(0..<1), options: options).segments.map(\.text) == ["ok"])
    }

    @Test func case43_earlyRefusalIsUnderstood() async throws {
        let server = try FakeTranscriptionServer(
            early: { _ in .answer(.init(413, headers: [("Connection", "close")], text: "<h1>413 Too Large</h1>")) }
        ) { _ in .init() }
        defer { server.stop() }
        let cloud = try engine(server)
        let error = await transcriptionError { try await cloud.transcribe(noise(seconds: 60), options: options) }
        #expect(error?.remedy == .split(maximumSamples: nil))
    }

    @Test func case44_noExpectHeaderAlsoForLongBodies() async throws {
        let server = try FakeTranscriptionServer { _ in .init(text: Self.ok) }
        defer { server.stop() }
        _ = try await engine(server).transcribe(noise(seconds: 60), options: options)
        #expect(server.requests.first?.headers["expect"] == nil)
        #expect(server.requests.first.map { $0.audio.count > 1_500_000 } == true)
    }

    @Test(arguments: [301, 302, 303, 307, 308]) func case45_redirectIsNotFollowed(_ status: Int) async throws {
        let other = try FakeTranscriptionServer { _ in .init(text: Self.ok) }
        defer { other.stop() }
        let server = try FakeTranscriptionServer { _ in .init(status, headers: [("Location", other.url)]) }
        defer { server.stop() }
        let cloud = try engine(server)
        let error = await transcriptionError { try await cloud.transcribe(marked(0..<1), options: options) }
        #expect(error?.remedy == .giveUpRecording)
        #expect(error?.message.contains(other.url) == true)
        #expect(other.connectionCount == 0)
    }

    @Test func case47_connectionIsUsedAgainAndReplacedWhenDead() async throws {
        let server = try FakeTranscriptionServer { request in
            .init(text: Self.ok, ending: request.number == 2 ? .close : .keepAlive)
        }
        defer { server.stop() }
        let cloud = try engine(server)
        for _ in 0..<3 { _ = try await cloud.transcribe(marked(0..<1), options: options) }
        #expect(server.connectionCount == 1)
        _ = try await cloud.transcribe(noise(seconds: 30), options: options)
        #expect(server.connectionCount == 2)
        #expect(server.requests.count == 4)
    }

    @Test func case47_connectionThatDiesUnderTheRequestIsReplacedAtOnce() async throws {
        // The second request on a connection is read, then the connection is reset: only a reused one is tried again.
        let server = try FakeTranscriptionServer { request in
            .init(text: Self.ok, ending: request.numberOnConnection == 1 ? .reset : .keepAlive)
        }
        defer { server.stop() }
        let cloud = try engine(server)
        for _ in 0..<2 { _ = try await cloud.transcribe(marked(0..<1), options: options) }
        #expect(server.connectionCount == 2)
    }

    @Test func case49_answersOutOfOrderReachTheirChunks() async throws {
        let gate = FakeTranscriptionServer.Gate()
        let server = try FakeTranscriptionServer { request in
            var response = FakeTranscriptionServer.heard(in: request)
            if request.fileName == "chunk-0.flac" { response.gate = gate }
            return response
        }
        defer { server.stop() }
        let cloud = try engine(server)
        async let first = cloud.transcribe(marked(0..<1, index: 0), options: options)
        await server.arrived(1)
        let second = try await cloud.transcribe(marked(1..<2, index: 1), options: options)
        #expect(second.segments.map(\.text) == ["m1"])
        gate.open()
        #expect(try await first.segments.map(\.text) == ["m0"])
    }

    @Test func case56_cancelDuringUploadAndDuringTheWait() async throws {
        for stalls in [true, false] {
            let gate = FakeTranscriptionServer.Gate()
            let server = try FakeTranscriptionServer(early: { _ in stalls ? .stall : .readBody }) { _ in
                .init(text: Self.ok, gate: gate)
            }
            defer {
                gate.open()
                server.stop()
            }
            let cloud = try engine(server)
            let piece = noise(seconds: 120)
            let cancelled = await withTaskGroup(of: Bool.self) { group in
                group.addTask {
                    do {
                        _ = try await cloud.transcribe(piece, options: options)
                        return false
                    } catch { return error is CancellationError }
                }
                await server.arrived(1)
                group.cancelAll()
                return await group.next() ?? false
            }
            #expect(cancelled)
        }
    }

    @Test func sixtyFourAtOnceOnOneThread() async throws {
        // In a process of its own: other tests have loops, too.
        await #expect(processExitsWith: .success) {
            let gate = FakeTranscriptionServer.Gate()
            let server = try FakeTranscriptionServer { _ in .init(text: Self.ok, gate: gate) }
            let cloud = try engine(server)
            let piece = marked(0..<120)
            _ = try await testPool.run { try piece.audio.samples().count }
            let before = threadNames()
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<64 {
                    group.addTask { try await cloud.transcribe(piece, options: TranscriptionOptions()).segments.count }
                }
                await server.arrived(64)
                let during = threadNames()
                #expect(during.count { $0 == "http" } == 1)
                // Besides: the packers' pool, and the fake server's threads, one per connection.
                let others = during.filter { $0 != "fake-serve" && $0 != "http" && $0 != "test-pack" }
                #expect(others.count <= before.filter { $0 != "fake-serve" && $0 != "test-pack" }.count + 2)
                gate.open()
                for try await count in group { #expect(count == 1) }
            }
            #expect(server.maximumInFlight == 64)
            server.stop()
        }
    }

    @Test func aBodyThatUnpacksWithoutEndIsCutOff() async throws {
        let packed = await shell("head -c 300000000 /dev/zero | gzip -1")
        #expect(packed.count < 2 << 20)
        // Twice packed it is smaller still.
        let twice = await shell("head -c 300000000 /dev/zero | gzip -1 | gzip -1")
        for (body, encoding) in [(packed, "gzip"), (twice, "gzip, gzip")] {
            let server = try FakeTranscriptionServer { _ in
                .init(headers: [("Content-Encoding", encoding)], body: body)
            }
            defer { server.stop() }
            let cloud = try engine(server)
            let error = await transcriptionError { try await cloud.transcribe(marked(0..<1), options: options) }
            #expect(error?.remedy == .giveUpChunk)
            #expect(error?.message.contains("32 MiB") == true, "\(error?.message ?? "")")
        }
    }

    private func shell(_ command: String) async -> [UInt8] {
        await testPool.run {
            guard let output = popen(command, "r") else { return [] }
            defer { pclose(output) }
            var bytes: [UInt8] = []
            var piece = [UInt8](repeating: 0, count: 64 << 10)
            while case let count = fread(&piece, 1, piece.count, output), count > 0 { bytes += piece[..<count] }
            return bytes
        }
    }

    @Test func nobodyListens() async throws {
        let nobody = try ClosedPort()
        defer { withExtendedLifetime(nobody) {} }
        let server = try FakeTranscriptionServer { _ in .init() }
        defer { server.stop() }
        let cloud = try engine(server) { $0.baseURLs = [nobody.url] }
        let error = await transcriptionError { try await cloud.transcribe(marked(0..<1), options: options) }
        #expect(error?.remedy == .retry(after: nil))
        #expect(error?.code == .engineUnavailable)
        #expect(error?.message.contains("[engines.cloud]") == true)
    }

    @Test func afterShutdownRequestsFail() async throws {
        let server = try FakeTranscriptionServer { _ in .init(text: Self.ok) }
        defer { server.stop() }
        let loop = CurlLoop()
        let cloud = try engine(server, loop: loop)
        _ = try await cloud.transcribe(marked(0..<1), options: options)
        loop.shutdown()
        let error = await transcriptionError { try await cloud.transcribe(marked(0..<1), options: options) }
        #expect(error != nil)
    }
}
