import Inbox
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// What is found out by scans alone, in played time: on network file systems, and where events were lost.
@Suite(.timeLimit(.minutes(20))) struct RescanTests {
    private static let wave = TestWave(TestAudio.noise(seconds: 1, amplitude: 8000)).bytes

    /// An inbox that is scanned every ten seconds.
    /// - Parameter settle: how long nothing must happen to what cannot be known to be whole.
    private static func inbox(_ folder: FilePath, watch: InboxSettings.Watch = .poll, settle: Duration) throws
        -> InboxFixture
    {
        var inbox = try InboxFixture(folder, watch: watch, settle: settle)
        inbox.settings.rescan = .seconds(10)
        return inbox
    }

    private static func intake(_ settings: InboxSettings, _ clock: HandClock, deaf elsewhere: FilePath) -> Intake {
        Intake(settings, wake: clock.wake, logger: InboxFixture.logger, clock: { clock.now }) {
            _, changed, logger, ignored in
            try InboxWatcher(root: elsewhere, changed: changed, logger: logger, ignored: ignored)
        }
    }

    /// Without events, and with a watcher that hears none.
    @Test(arguments: [InboxSettings.Watch.poll, .events]) func whatNoEventTellsOfIsFoundByTheNextScan(
        _ watch: InboxSettings.Watch
    ) async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try Self.inbox(folder, watch: watch, settle: .seconds(3))
            let clock = HandClock()
            try await inbox.watching {
                Self.intake($0, clock, deaf: folder.appending("outbox"))
            } _: { intake in
                for round in 1...3 {
                    try inbox.write("x", to: "\(round).wav")
                    try inbox.move("\(round).wav", "inbox/\(round).wav")
                    try await inbox.pass(.seconds(9), on: clock)
                    #expect(intake.settlingCount == 0, "not before the scan is due")
                    try await inbox.pass(.seconds(1), on: clock)
                    try #require(intake.settlingCount == 1, "scan \(round)")
                    try await inbox.pass(.seconds(10), on: clock)
                    try #require(inbox.arrivals.names == (1...round).map { "\($0).wav" })
                }
            }
        }
    }

    /// The second take under the name of the first, or a copy that was begun again.
    @Test func whatIsReplacedBetweenTwoScansSettlesAnew() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try Self.inbox(folder, settle: .seconds(100))
            let clock = HandClock()
            try await inbox.watching {
                Self.intake($0, clock, deaf: folder.appending("outbox"))
            } _: { intake in
                try inbox.write("first", to: "inbox/talk.wav")
                for _ in 1...10 { try await inbox.pass(.seconds(10), on: clock) }
                #expect(intake.settlingCount == 1 && inbox.arrivals.names == [])
                try inbox.write("second", to: "second.wav")
                try inbox.move("second.wav", "inbox/talk.wav")
                // The first one would have been there long enough.
                for _ in 1...10 {
                    try await inbox.pass(.seconds(10), on: clock)
                    try #require(inbox.arrivals.names == [], "after \(clock.now)")
                }
                try await inbox.pass(.seconds(10), on: clock)
                #expect(inbox.arrivals.all.map(\.identity.byteCount) == [6])
            }
        }
    }

    /// It is looked at once an hour, unless something happens to it.
    @Test func aWholeOneInThePlaceOfAShortOneIsTakenSoon() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try Self.inbox(folder, settle: .seconds(3))
            let clock = HandClock()
            try await inbox.watching {
                Self.intake($0, clock, deaf: folder.appending("outbox"))
            } _: { _ in
                try TestAudioFile.write(Array(Self.wave.dropLast(16_000)), to: inbox["inbox/talk.wav"])
                for _ in 1...35 { try await inbox.pass(.seconds(10), on: clock) }
                try #require(inbox.incompletes.all.count == 1, "a person was told")
                try TestAudioFile.write(Self.wave, to: inbox["whole.wav"])
                try inbox.move("whole.wav", "inbox/talk.wav")
                for _ in 1...3 { try await inbox.pass(.seconds(10), on: clock) }
                #expect(inbox.arrivals.names == ["talk.wav"])
            }
        }
    }
}
