import Engines
import Synchronization
import TestSupport
import Testing
import Transcription

/// Several addresses of one service.
@Suite(.timeLimit(.minutes(20))) struct AddressPoolTests {
    private static let ok = #"{"text":"ok","segments":[{"start":0,"end":1,"text":"ok"}]}"#
    private let options = TranscriptionOptions()

    private final class HandClock: Clock {
        typealias Instant = ContinuousClock.Instant
        private let time = Mutex(ContinuousClock.now)
        var now: Instant { time.withLock { $0 } }
        let minimumResolution = Duration.zero
        func advance(_ duration: Duration) { time.withLock { $0 += duration } }
        func sleep(until deadline: Instant, tolerance: Duration?) async throws {}
    }

    @Test func whatFailsRestsLongerEachTimeAndIsTriedByOne() throws {
        let clock = HandClock()
        let pool = AddressPool(count: 2, clock: clock)
        func take() throws -> AddressPool.Lease { try #require(pool.take()) }

        let (first, second) = (try take(), try take())
        #expect([first.address, second.address] == [0, 1], "the less busy one")
        pool.finish(first, isHealthy: false)
        pool.finish(second, isHealthy: true)
        for rest in [1, 2, 4, 8, 16, 32, 60, 60] {
            clock.advance(.seconds(rest) - .milliseconds(1))
            let during = (try take(), try take())
            #expect(during.0.address == 1 && during.1.address == 1, "it rests for \(rest) s")
            clock.advance(.milliseconds(1))
            let trial = try take()
            #expect(trial.address == 0)
            let beside = try take()
            #expect(beside.address == 1, "one at a time")
            for lease in [during.0, during.1, beside] { pool.finish(lease, isHealthy: true) }
            pool.finish(trial, isHealthy: false)
        }
        clock.advance(.seconds(60))
        pool.finish(try take(), isHealthy: true)
        let again = (try take(), try take())
        #expect(Set([again.0.address, again.1.address]) == [0, 1], "as good as new")
    }

    @Test func whatWasSentBeforeAFailureDoesNotCountAgain() throws {
        let clock = HandClock()
        let pool = AddressPool(count: 1, clock: clock)
        let leases = try (0..<4).map { _ in try #require(pool.take()) }
        clock.advance(.seconds(5))
        for lease in leases { pool.finish(lease, isHealthy: false) }
        let other = AddressPool(count: 1, clock: clock)
        #expect(other.take() != nil)
        // All addresses rest: some answer is better than none.
        #expect(pool.take()?.address == 0)
        #expect(pool.take(excluding: [0]) == nil)
    }

    @Test func requestsGoToTheLeastBusy() async throws {
        let gate = FakeTranscriptionServer.Gate()
        let servers = try (0..<3).map { _ in try FakeTranscriptionServer { _ in .init(text: Self.ok, gate: gate) } }
        defer { for server in servers { server.stop() } }
        let cloud = try engine(servers[0]) { $0.baseURLs = servers.map(\.url) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<6 { group.addTask { _ = try await cloud.transcribe(marked(0..<1), options: options) } }
            for server in servers { await server.arrived(2) }
            gate.open()
            try await group.waitForAll()
        }
        #expect(servers.map(\.requests.count) == [2, 2, 2])
    }

    @Test func aHostThatIsKilledInTheMiddleCostsNoChunk() async throws {
        let servers = try (0..<3).map { _ in try FakeTranscriptionServer.hearing() }
        let gate = FakeTranscriptionServer.Gate()
        let dying = try FakeTranscriptionServer { request in
            var response = FakeTranscriptionServer.heard(in: request)
            if request.number >= 2 { response.gate = gate }
            return response
        }
        defer {
            gate.open()
            for server in servers { server.stop() }
        }
        let cloud = try engine(servers[0]) { $0.baseURLs = [servers[0].url, dying.url, servers[1].url] }
        let heard = try await withThrowingTaskGroup(of: (Int, [String]).self) { group in
            var out: [Int: [String]] = [:]
            for number in 0..<40 {
                if number >= 6, let (index, texts) = try await group.next() { out[index] = texts }
                group.addTask {
                    let piece = marked(number..<number + 1, index: number)
                    return (number, try await cloud.transcribe(piece, options: options).segments.map(\.text))
                }
                if number == 20 {
                    await dying.arrived(3)
                    dying.stop()
                }
            }
            for try await (index, texts) in group { out[index] = texts }
            return out
        }
        #expect(heard == Dictionary(uniqueKeysWithValues: (0..<40).map { ($0, ["m\($0)"]) }))
        #expect(dying.requests.count >= 3)
    }

    @Test(arguments: [502, 503]) func aHostBehindADeadProxyIsPassedOver(_ status: Int) async throws {
        let down = try FakeTranscriptionServer { _ in .init(status, text: "<h1>Bad Gateway</h1>") }
        let up = try FakeTranscriptionServer { _ in .init(text: Self.ok) }
        defer {
            down.stop()
            up.stop()
        }
        // No time passes, so its rest does not end.
        let cloud = try engine(up, clock: HandClock()) { $0.baseURLs = [down.url, up.url] }
        for _ in 0..<5 { #expect(try await cloud.transcribe(marked(0..<1), options: options).segments.count == 1) }
        #expect(down.requests.count == 1)
        #expect(up.requests.count == 5)
    }

    @Test func theLastAddressesFailureIsTold() async throws {
        let servers = try (0..<2).map { _ in try FakeTranscriptionServer { _ in .init(503, text: "full") } }
        defer { for server in servers { server.stop() } }
        let cloud = try engine(servers[0]) { $0.baseURLs = servers.map(\.url) }
        let error = await transcriptionError { try await cloud.transcribe(marked(0..<1), options: options) }
        #expect(error?.remedy == .retry(after: nil) && error?.pressure == .refused)
        #expect(servers.map(\.requests.count) == [1, 1])
    }

    @Test func checkTellsWhichAddressesFail() async throws {
        let down = try ClosedPort()
        defer { withExtendedLifetime(down) {} }
        let up = try FakeTranscriptionServer { _ in .init(text: Self.ok) }
        defer { up.stop() }
        let cloud = try engine(up) { $0.baseURLs = [down.url, up.url] }
        #expect(try await cloud.transcribe(marked(0..<1), options: options).segments.count == 1)
        let sentence = try await cloud.check().notes.joined()
        #expect(sentence.contains("One of its 2 addresses") && sentence.contains(String(down.url.dropFirst(7))))
        let none = try engine(up) { $0.baseURLs = [down.url, down.url] }
        let error = await transcriptionError { try await none.check() }
        #expect(error?.code == .engineUnavailable)
    }
}
