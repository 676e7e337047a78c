import FoundationEssentials
import Glibc
import Synchronization
import SystemSupport
import TestSupport
import Testing

/// What `parlograph jobs` tells of the chunks of a recording.
@Suite(.serialized)
struct ChunkStateTests {
    private struct Row: Decodable {
        struct Chunk: Decodable {
            let index: Int
            let state: String
            let start: Double
            let end: Double
            let hash: String
            let attempts: Int
            let error_code: String?
            let engine: String?
            let from_cache: Bool
            let changed_at: Int64
        }

        let name: String
        let state: String
        let chunks_done: Int
        let chunks_failed: Int
        let chunk_states: [Chunk]?
    }

    private static func rows(_ place: Workplace) async throws -> [Row] {
        let listed = try await place.run("jobs", "--json")
        return try listed.lines.map { try JSONDecoder().decode(Row.self, from: Data($0.utf8)) }
    }

    private static func hears(_ number: Int, _ request: FakeTranscriptionServer.Request) -> Bool {
        MarkedAudio.hear(MarkedAudio.decode(file: request.audio) ?? []).contains { $0.number == number }
    }

    @Test func aGapIsToldWithItsPlaceItsErrorAndItsAttempts() async throws {
        let server = try FakeTranscriptionServer.hearing { request in
            Self.hears(24, request) ? .init(500, text: "out of order") : nil
        }
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "")
            try place.writeMarks(0..<60, to: "inbox/talk.wav")
            try place.writeMarks(100..<120, to: "inbox/whole.wav")
            try await place.start("serve") { process in
                try await eventually("both in done") { try place.files("done") == ["talk.wav", "whole.wav"] }
                let rows = try await Self.rows(place)
                let whole = try #require(rows.first { $0.name == "whole.wav" })
                #expect(whole.state == "delivered" && whole.chunk_states == nil && whole.chunks_done > 0)
                let row = try #require(rows.first { $0.name == "talk.wav" })
                #expect(row.state == "partial" && row.chunks_failed == 1)
                let sidecar = try place.transcript("outbox/talk.json")
                let gap = try #require(sidecar.gaps.first)
                let chunks = try #require(row.chunk_states)
                try #require(chunks.count == 1 && sidecar.gaps.count == 1)
                #expect(chunks[0].state == "failed" && chunks[0].error_code == "requestFailed")
                #expect(chunks[0].attempts == 2 && chunks[0].engine == "fake" && !chunks[0].from_cache)
                #expect(chunks[0].start == gap.start && chunks[0].end == gap.end)
                #expect(sidecar.chunks[chunks[0].index].hash == chunks[0].hash)
                #expect(abs(chunks[0].changed_at - Int64(time(nil))) < 300)
                let told = try await place.run("jobs")
                #expect(
                    told.lines.contains { $0.hasSuffix("failed after 2 attempts (requestFailed), engine fake") },
                    "\(told.lines)")
                process.send(SIGTERM)
                #expect(try await process.end().status == 0)
            }
        }
    }

    /// The journal of a service that was killed tells how far it was; the next one begins anew, and its cache knows.
    @Test func aKilledServiceLeavesWhatWasDone() async throws {
        let isHeld = Mutex(true)
        let gate = FakeTranscriptionServer.Gate()
        let server = try FakeTranscriptionServer.hearing(behind: gate) { request in
            Self.hears(45, request) && isHeld.withLock { $0 }
        }
        defer {
            gate.open()
            server.stop()
        }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "")
            try place.writeMarks(0..<60, to: "inbox/talk.wav")
            try await place.start("serve") { process in
                try await eventually("all but one") {
                    let states = try await Self.rows(place).first?.chunk_states?.map(\.state) ?? []
                    return states.count >= 5 && states.count { $0 == "done" } == states.count - 1
                }
                process.send(SIGKILL)
                _ = try await process.end()
            }
            let row = try #require(try await Self.rows(place).first)
            #expect(row.state == "processing")
            #expect(row.chunk_states?.filter { $0.state != "done" }.map(\.state) == ["asked"])
            isHeld.withLock { $0 = false }
            try await place.start("serve") { process in
                try await eventually("done") { try place.files("done") == ["talk.wav"] }
                process.send(SIGTERM)
                _ = try await process.end()
            }
            #expect(try await Self.rows(place).first?.chunk_states == nil)
            #expect(try place.transcript("outbox/talk.json").chunks.count { !$0.from_cache } == 1)
        }
    }
}
