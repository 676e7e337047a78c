import Glibc
import Inbox
import Logging
import Synchronization
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// What a recording says of itself, and what file systems do not tell.
@Suite struct CompleteArrivalTests {
    private static let wave = TestWave(TestAudio.noise(seconds: 1, amplitude: 8000)).bytes
    private static let never = Duration.seconds(3600)

    @Test func aWholeRecordingDoesNotSettle() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder, settle: Self.never)
            try TestAudioFile.write(Self.wave, to: inbox["b.wav"])
            try await inbox.watching { _ in
                try TestAudioFile.write(Self.wave, to: inbox["inbox/a.wav"])
                try inbox.move("b.wav", "inbox/b.wav")
                try await inbox.arrivals.have(["a.wav", "b.wav"])
            }
        }
    }

    /// Each of these is closed, and nobody has it open: that alone says nothing.
    @Test func whatIsNotKnownToBeWholeSettles() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder, settle: Self.never)
            var open = TestWave(TestAudio.noise(seconds: 1, amplitude: 8000))
            open.declaredDataBytes = 0
            let streamed = open.bytes
            try await inbox.watching { intake in
                try TestAudioFile.write([], to: inbox["inbox/empty.wav"])
                try TestAudioFile.write(Array(streamed.prefix(44)), to: inbox["inbox/header.wav"])
                try TestAudioFile.write(streamed, to: inbox["inbox/streamed.wav"])
                try TestAudioFile.write(Array(Self.wave.dropLast(8000)), to: inbox["inbox/half.wav"])
                try Self.writeWithHole(Self.wave + Self.wave, to: inbox["inbox/room.wav"])
                try TestAudioFile.write(Self.wave, to: inbox["inbox/whole.wav"])
                try await inbox.arrivals.have(["whole.wav"])
                #expect(intake.settlingCount == 5)
                // The rest comes.
                try TestAudioFile.write(Self.wave, to: inbox["inbox/header.wav"])
                try TestAudioFile.write(Self.wave, to: inbox["inbox/half.wav"])
                try await inbox.arrivals.have(["whole.wav", "header.wav", "half.wav"])
            }
        }
    }

    /// As Explorer and others do: the size first, then the contents, and then it stops.
    private static func writeWithHole(_ bytes: [UInt8], to path: FilePath) throws {
        let file = try OwnedDescriptor(opening: path, flags: O_WRONLY | O_CREAT)
        try file.descriptor.writeAll(bytes.prefix(8192))
        guard ftruncate(file.descriptor.rawValue, off_t(bytes.count)) == 0 else { throw Late(description: "ftruncate") }
    }

    @Test func whatStaysShortIsToldToAPersonAndTakenWhenItIsRenamed() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            let (clock, lines) = (HandClock(), InboxFixture.LogLines())
            try await inbox.watching { settings in
                Intake(settings, wake: clock.wake, logger: lines.logger, clock: { clock.now })
            } _: { intake in
                let half = Array(Self.wave.dropLast(16_000))
                for name in ["talk.wav", "other.wav"] { try TestAudioFile.write(half, to: inbox["inbox/\(name)"]) }
                try Self.writeWithHole(Self.wave, to: inbox["inbox/room.wav"])
                try await eventually("seen") { intake.settlingCount == 3 }
                try await clock.tick(until: "said") {
                    lines.metadata(of: "recording is not complete, waiting for the rest").count == 3
                }
                #expect(inbox.incompletes.all.isEmpty)
                clock.advance(by: .seconds(300))
                let whole = Self.wave.count
                try await eventually("told") { inbox.incompletes.all.count == 3 }
                #expect(
                    inbox.incompletes.all == [
                        "other.wav \(whole - 16_000)/\(whole)", "room.wav 8192/\(whole)",
                        "talk.wav \(whole - 16_000)/\(whole)",
                    ])
                clock.advance(by: .seconds(86_400))
                try TestAudioFile.write(Self.wave, to: inbox["inbox/marker.wav"])
                try await inbox.arrivals.have(["marker.wav"])

                try inbox.move("inbox/talk.wav", "inbox/talk as it is.wav")
                try await inbox.arrivals.have(["marker.wav", "talk as it is.wav"])
                try await eventually("the note is out of date") { inbox.incompletes.all.contains("talk.wav over") }
                // The other one is copied again.
                try TestAudioFile.write(Self.wave, to: inbox["inbox/other.wav"])
                try await inbox.arrivals.have(["marker.wav", "talk as it is.wav", "other.wav"])
                #expect(inbox.incompletes.all.contains("other.wav over"))
                #expect(intake.settlingCount == 1)
            }
        }
    }

    /// A person who was told before the service was started again, or by `serve --once`.
    @Test(arguments: [false, true]) func aRenamedRecordingThatWasToldToBeShortIsTakenAfterARestart(
        once: Bool
    ) async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            try TestAudioFile.write(Array(Self.wave.dropLast(16_000)), to: inbox["inbox/z new name.wav"])
            let identity = try FileStatus(at: inbox["inbox/z new name.wav"]).identity
            let noted = [identity: RawName(bytes: "half.wav".utf8)]
            if once {
                await inbox.once(noted: noted)
            } else {
                try await inbox.watching {
                    Intake($0, wake: AsyncSignal(), logger: InboxFixture.logger, noted: noted)
                } _: { _ in
                    try await inbox.arrivals.have(["z new name.wav"])
                }
            }
            #expect(inbox.arrivals.names == ["z new name.wav"])
            #expect(inbox.incompletes.all == ["half.wav over"])
        }
    }

    @Test func foldersAreNotFollowedWithoutEnd() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            let lines = InboxFixture.LogLines()
            var deep = FilePath("inbox")
            for level in 1...120 {
                deep.append("\(level)")
                try InboxFixture.makeFolder(inbox[deep.string])
                if level == 60 { try TestAudioFile.write(Self.wave, to: inbox["\(deep.string)/a.wav"]) }
                if level == 70 { try TestAudioFile.write(Self.wave, to: inbox["\(deep.string)/b.wav"]) }
            }
            try await inbox.watching {
                Intake($0, wake: AsyncSignal(), logger: lines.logger)
            } _: { _ in
                try await eventually("the one that is not too deep") { inbox.arrivals.names.count == 1 }
                #expect(inbox.arrivals.names[0].hasSuffix("/60/a.wav"))
                #expect(lines.list(of: "folder is left out").count == 1)
            }
        }
    }

    /// Samba files of another user, seen without the right to ask for writers: here a writer that pauses.
    @Test func withoutLeasesAStalledWriterIsWaitedFor() async throws {
        try await withTemporaryDirectory { folder in
            let inbox = try InboxFixture(folder)
            let clock = HandClock()
            try await inbox.watching { settings in
                Intake(
                    settings, wake: clock.wake, logger: InboxFixture.logger,
                    look: InboxLook(probe: { _ in .unavailable }), clock: { clock.now })
            } _: { intake in
                do {
                    let writer = try OwnedDescriptor(opening: inbox["inbox/talk.wav"], flags: O_WRONLY | O_CREAT)
                    try writer.descriptor.writeAll(Self.wave.prefix(20_000))
                    try await eventually("seen") { intake.settlingCount == 1 }
                    clock.advance(by: .seconds(14))
                    try TestAudioFile.write(Array("no length".utf8), to: inbox["inbox/marker.mp3"])
                    try await eventually("seen") { intake.settlingCount == 2 }
                    try await clock.tick(until: "marker.mp3") { inbox.arrivals.names == ["marker.mp3"] }
                    try writer.descriptor.writeAll(Self.wave.dropFirst(20_000))
                }
                try await clock.tick(until: "talk.wav") { inbox.arrivals.names == ["marker.mp3", "talk.wav"] }
                #expect(inbox.arrivals.all.last?.identity.byteCount == Int64(Self.wave.count))
            }
        }
    }

    @Test func whatWasHandedOverIsNotLookedAtInEachScan() async throws {
        try await withTemporaryDirectory { folder in
            var inbox = try InboxFixture(folder, watch: .poll, settle: .milliseconds(50))
            inbox.settings.rescan = .milliseconds(20)
            try InboxFixture.makeFolder(inbox["inbox/sub"])
            for number in 0..<20 { try TestAudioFile.write(Self.wave, to: inbox["inbox/sub/\(number).wav"]) }
            let looks = SharedCounter()
            let fixture = inbox
            try await inbox.watching { settings in
                Intake(
                    settings, wake: AsyncSignal(), logger: InboxFixture.logger,
                    look: InboxLook(probe: { descriptor in
                        looks.add(1)
                        return FileLease.probe(descriptor)
                    }))
            } _: { intake in
                try await eventually("all") { fixture.arrivals.names.count == 20 }
                let before = looks.value
                // Each of these is found by a scan of its own.
                for round in 1...3 {
                    try TestAudioFile.write(Self.wave, to: fixture["inbox/\(round).wav"])
                    try await eventually("\(round).wav") { fixture.arrivals.names.contains("\(round).wav") }
                }
                #expect(looks.value - before <= 6)
                #expect(intake.decidedCount == 23)
                // Other contents, the same contents once work on them has ended, and what is gone.
                try TestAudioFile.write(Self.wave + [0, 0], to: fixture["inbox/1.wav"])
                let second = try #require(fixture.arrivals.all.first { $0.path.printable == "2.wav" })
                intake.release(second.path, second.identity)
                #expect(unlink(fixture["inbox/3.wav"].string) == 0)
                try await eventually("again") {
                    ["1.wav", "2.wav"].allSatisfy { name in fixture.arrivals.names.count { $0 == name } == 2 }
                }
                try await eventually("forgotten") { intake.decidedCount == 22 }
            }
        }
    }

    @Test func whereNothingCanBeWatchedScansTakeOverWithOneWarning() async throws {
        try await withTemporaryDirectory { folder in
            var inbox = try InboxFixture(folder)
            inbox.settings.rescan = .milliseconds(50)
            let lines = InboxFixture.LogLines()
            let fixture = inbox
            try await inbox.watching { settings in
                Intake(
                    settings, wake: AsyncSignal(), logger: lines.logger,
                    makeWatcher: { root, _, _, _ in
                        throw SystemError("inotify_add_watch", root.printable, errno: .noSpace)
                    })
            } _: { _ in
                for round in 1...3 {
                    try TestAudioFile.write(Self.wave, to: fixture["inbox/\(round).wav"])
                    try await eventually("\(round).wav") { fixture.arrivals.names.contains("\(round).wav") }
                }
            }
            let warnings = lines.metadata(of: "inbox cannot be watched, it is scanned instead")
            #expect(warnings.count == 1)
            for key in ["inbox", "error", "every", "max_user_watches", "max_user_instances"] {
                #expect(warnings.first?[key] != nil, "\(key)")
            }
        }
    }

    @Test func specialFilesAreNamedOnceAndLeftAlone() async throws {
        try await withTemporaryDirectory { folder in
            var inbox = try InboxFixture(folder, watch: .poll, settle: .milliseconds(50))
            inbox.settings.rescan = .milliseconds(20)
            #expect(mkfifo(inbox["inbox/pipe.wav"].string, 0o600) == 0)
            #expect(symlink("/etc/passwd", inbox["inbox/link.wav"].string) == 0)
            #expect(mknod(inbox["inbox/socket.wav"].string, S_IFSOCK | 0o600, 0) == 0)
            let lines = InboxFixture.LogLines()
            let fixture = inbox
            try await inbox.watching {
                Intake($0, wake: AsyncSignal(), logger: lines.logger)
            } _: { intake in
                for round in 1...3 {
                    try TestAudioFile.write(Self.wave, to: fixture["inbox/\(round).wav"])
                    try await eventually("\(round).wav") { fixture.arrivals.names.contains("\(round).wav") }
                }
                #expect(intake.settlingCount == 0)
            }
            let named = lines.metadata(of: "not a regular file, left alone").compactMap { $0["file"].map { "\($0)" } }
            #expect(named.sorted() == ["link.wav", "pipe.wav", "socket.wav"])
        }
    }
}
