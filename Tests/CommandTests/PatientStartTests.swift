import Glibc
import SystemPackage
import TestSupport
import Testing

/// The service is started while its job journal cannot be used.
@Suite struct PatientStartTests {
    @Test func itWaitsSaysSoAndGoesOnWhenTheJournalIsBack() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "")
            try place.makeFolder("state")
            try place.makeFolder("state/jobs.sqlite")
            let socket = try NotifySocket(folder.appending("notify").string)
            try place.writeMarks(0..<3, to: "inbox/talk.wav")
            let ended = try await place.start("serve", environment: ["NOTIFY_SOCKET": socket.name]) { process in
                // The manager is not to lose patience, and shows why.
                let message = try await socket.message("EXTEND_TIMEOUT_USEC=")
                #expect(message.last?.contains("waiting for the job journal") == true)
                try await process.says("job journal cannot be used; everything waits until it can")
                // Settings that come meanwhile hold when it begins.
                let text = try place.text("parlograph.toml")
                try place.write(
                    text.replacing("[[inbox]]\n", with: "[[inbox]]\nformats = [\"txt\"]\n"), to: "parlograph.toml")
                process.send(SIGHUP)
                try await process.says("configuration loaded again")
                #expect(rmdir(place["state/jobs.sqlite"].string) == 0)
                try await socket.message("READY=1")
                try await eventually("the transcript") { place.exists("done/talk.wav") }
                process.send(SIGTERM)
                return try await process.end()
            }
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(ended.errors.contains("job journal can be used again"))
            #expect(try place.files("outbox").filter { $0.hasPrefix("talk") } == ["talk.txt"])
        }
    }

    @Test func itCanBeStoppedWhileItWaits() async throws {
        let server = try FakeTranscriptionServer.hearing()
        defer { server.stop() }
        try await withTemporaryDirectory { folder in
            let place = try Workplace(folder, server: server, inbox: "")
            try place.makeFolder("state")
            try place.makeFolder("state/jobs.sqlite")
            let ended = try await place.start("serve") { process in
                try await process.says("job journal cannot be used")
                process.send(SIGTERM)
                return try await process.end()
            }
            #expect(ended.status == 0, "\(ended.errors)")
            // It ended cleanly: the next one finds nothing to sweep up.
            #expect(try place.text("state/lock").isEmpty)
            let once = try await place.run("serve", "--once")
            #expect(once.status == 73)
            #expect(once.errors.contains("state/jobs.sqlite cannot be used"), "\(once.errors)")
        }
    }
}
