import Glibc
import Inbox
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// Recordings of a media library that have subtitles already.
@Suite struct SubtitledTests {
    @Test(arguments: [
        ("talk.mp3", "talk.srt", true), ("talk.mp3", "talk.en.VTT", true), ("talk.mp3", "talk.en.forced.srt", true),
        ("talk.mp3", "talk.mp3.srt", true), ("talk", "talk.srt", true), ("a.b.mkv", "a.b.srt", true),
        ("talk.mp3", "talk.wav.srt", false), ("talk.mp3", "talk.wav.en.srt", false),
        ("talk.wav", "talk.wav.en.srt", true),
        ("talk.mp3", "talk2.srt", false), ("talk.mp3", "talk (2).srt", false), ("talk 2.mp3", "talk.srt", false),
        ("talk.mp3", "talk.txt", false), ("talk.mp3", ".srt", false), ("talk.mp3", "srt", false),
        ("a.b.mkv", "a.srt", false), (".srt", ".srt", false),
    ]) func playersTakeThemForTheRecordings(_ recording: String, _ subtitles: String, _ isOne: Bool) {
        var names = SubtitledNames()
        names.add(RawName(bytes: subtitles.utf8))
        #expect(names.contains(RawName(bytes: recording.utf8)) == isOne)
    }

    @Test(arguments: [InboxSettings.Watch.events, .poll]) func areLeftAloneAsLongAsTheyHaveThem(
        _ watch: InboxSettings.Watch
    ) async throws {
        try await withTemporaryDirectory { folder in
            var inbox = try InboxFixture(folder, watch: watch)
            inbox.settings.rescan = .milliseconds(50)
            inbox.settings.skipsSubtitled = true
            try InboxFixture.makeFolder(folder.appending("inbox/film"))
            for name in ["a.mkv", "b.mkv", "film/c.mkv", "film/d.mkv"] { try inbox.write("sound", to: "inbox/\(name)") }
            for name in ["a.de.srt", "film/d.vtt"] { try inbox.write("1", to: "inbox/\(name)") }
            let place = inbox
            try await inbox.watching { intake in
                try await place.arrivals.have(["b.mkv", "film/c.mkv"])
                try await eventually("two left") { intake.subtitledCount == 2 && intake.settlingCount == 0 }
                #expect(intake.foreignCount == 0)
                #expect(unlink(place["inbox/a.de.srt"].string) == 0)
                try await place.arrivals.have(["a.mkv", "b.mkv", "film/c.mkv"])
                try await eventually("one left") { intake.subtitledCount == 1 }
                #expect(unlink(place["inbox/film/d.mkv"].string) == 0)
                try await eventually("none left") { intake.subtitledCount == 0 }
            }
            var all = try InboxFixture(folder.appending("inbox/film"))
            all.settings.path = folder.appending("inbox/film")
            try all.write("1", to: "c.srt")
            await all.once()
            #expect(all.arrivals.names == ["c.mkv"])
        }
    }
}
