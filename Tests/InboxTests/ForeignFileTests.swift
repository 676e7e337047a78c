import Glibc
import Inbox
import Synchronization
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// What lies in an inbox and is no recording.
@Suite struct ForeignFileTests {
    @Test(
        arguments: [
            ("talk.wav", .sound), ("TALK.MP3", .sound), ("GX010042.MP4", .sound), ("a.b.opus", .sound),
            ("x.ds2", .sound),
            ("call.ulaw", .sound), ("talk.sln16", .sound), ("GL010042.LRV", .proxy), ("DJI_0001.lrf", .proxy),
            ("GX010042.THM", .other), ("notes.docx", .other), ("playlist.m3u", .other), ("clip.xml", .other),
            ("archive.zip", .other), ("talk.wav.zip", .other), ("talk.mp3.1", .other), ("Makefile", .none),
            (".wav", .none),
            ("Besuch bei Dr. Lindström", .none), ("talk.", .none), ("talk.mp3 ", .none), ("v1.2 final", .none),
        ] as [(String, ForeignFileRule.Kind)])
    func aNameSaysWhatIsExpectedOfIt(name: String, kind: ForeignFileRule.Kind) {
        #expect(ForeignFileRule.kind(of: RawName(bytes: name.utf8)) == kind)
    }

    @Test(arguments: [
        // The name says it, whatever is in it.
        ("talk.wav", false, false), ("talk.wav", true, false), ("clip.lrv", true, true), ("clip.lrf", false, true),
        // The content says it.
        ("photo.jpg", false, true), ("photo.jpg", true, false), ("talk", true, false), ("talk", false, true),
        ("talk.xyz", true, false), ("talk.xyz", false, true),
    ])
    func whatIsForeign(name: String, isSound: Bool, isForeign: Bool) {
        #expect(ForeignFileRule.isForeign(RawName(bytes: name.utf8)) { isSound } == isForeign)
    }

    @Test func onlyWhereTheNameLeavesItOpenIsTheContentLookedAt() {
        for name in ["talk.wav", "clip.lrv"] {
            _ = ForeignFileRule.isForeign(RawName(bytes: name.utf8)) {
                Issue.record("\(name) was looked at")
                return true
            }
        }
    }

    /// As a scan sees it: a file begins with `sound` or it is none.
    private static func intake(_ settings: InboxSettings, _ looks: SharedCounter) -> Intake {
        Intake(
            settings, wake: AsyncSignal(), logger: InboxFixture.logger,
            look: InboxLook(isSound: { descriptor in
                looks.add(1)
                var first = [UInt8](repeating: 0, count: 5)
                _ = first.withUnsafeMutableBytes { try? descriptor.read(fromAbsoluteOffset: 0, into: $0) }
                return first == Array("sound".utf8)
            }))
    }

    @Test(arguments: [InboxSettings.Watch.events, .poll])
    func areLeftAndLookedAtOnceUntilTheyChange(watch: InboxSettings.Watch) async throws {
        try await withTemporaryDirectory { folder in
            var inbox = try InboxFixture(folder, watch: watch)
            // So that many scans come by.
            inbox.settings.rescan = .milliseconds(50)
            let looks = SharedCounter()
            try inbox.write("picture", to: "inbox/photo.jpg")
            try inbox.write("", to: "inbox/empty")
            try inbox.write("sound", to: "inbox/proxy.lrv")
            try inbox.write("sound", to: "inbox/talk")
            try inbox.write("text", to: "inbox/broken.wav")
            let place = inbox
            try await inbox.watching(making: { Self.intake($0, looks) }) { intake in
                try await place.arrivals.have(["broken.wav", "talk"])
                try await eventually("three left") { intake.foreignCount == 3 && intake.settlingCount == 0 }
                let before = looks.value
                // Scans go on while these come.
                for name in ["a.wav", "b.wav", "c.wav"] {
                    try place.write("x", to: "inbox/\(name)")
                    try await eventually(name) { place.arrivals.names.contains(name) }
                }
                #expect(looks.value == before)
                try place.write("sound after all", to: "inbox/empty")
                try await eventually("it became a recording") { place.arrivals.names.contains("empty") }
                #expect(intake.foreignCount == 2)
                #expect(unlink(place["inbox/photo.jpg"].string) == 0)
                try await eventually("it is gone") { intake.foreignCount == 1 }
            }
        }
    }

    @Test func failAsTheyDidWhereTheyAreToFail() async throws {
        try await withTemporaryDirectory { folder in
            var inbox = try InboxFixture(folder)
            inbox.settings.foreignFiles = .fail
            let looks = SharedCounter()
            try inbox.write("picture", to: "inbox/photo.jpg")
            try inbox.write("sound", to: "inbox/proxy.lrv")
            let place = inbox
            try await inbox.watching(making: { Self.intake($0, looks) }) { intake in
                try await place.arrivals.have(["photo.jpg", "proxy.lrv"])
                #expect(intake.foreignCount == 0)
            }
            #expect(looks.value == 0)
        }
    }
}
