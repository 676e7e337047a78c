import Glibc
import SystemPackage
import TestSupport
import Testing

/// The service under a service manager, which this test plays.
@Suite struct ServiceManagerTests {
    @Test func saysThatItIsReadyWhatItDoesThatItLivesReloadsAndStops() async throws {
        // The answer comes when the work was told of.
        let gate = FakeTranscriptionServer.Gate()
        let server = try FakeTranscriptionServer.hearing(behind: gate)
        defer {
            gate.open()
            server.stop()
        }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "")
            let socket = try NotifySocket(folder.appending("notify").string)
            let environment = ["NOTIFY_SOCKET": socket.name, "WATCHDOG_USEC": "300000"]
            let ended = try await place.start("serve", environment: environment) { process in
                try await socket.message("READY=1")
                for _ in 1...3 { try await socket.message("WATCHDOG=1") }

                try place.writeMarks(0..<3, to: "inbox/talk.wav")
                try await socket.message("STATUS=1 running, 0 queued, 0 arriving, 0 failed; talk.wav: ")
                gate.open()
                try await socket.message("STATUS=0 running, 0 queued, 0 arriving, 0 failed")

                process.send(SIGHUP)
                try await socket.message("RELOADING=1")
                try await socket.message("READY=1")
                try place.write("nonsense = 1", to: "parlograph.toml")
                process.send(SIGHUP)
                try await socket.message("RELOADING=1")
                try await socket.message("READY=1")
                for _ in 1...3 { try await socket.message("WATCHDOG=1") }

                process.send(SIGTERM)
                try await socket.message("STOPPING=1")
                return try await process.end()
            }
            #expect(ended.status == 0, "\(ended.errors)")
        }
    }
}
