import Glibc
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import Transcription

private let run = RunFacts(processingTime: .milliseconds(1234))
private let talk = RawName(bytes: "talk.mp3".utf8)

/// How subtitles are called and encoded for players.
@Suite struct SubtitleFilesTests {
    @Test(arguments: [
        ("en", "en"), ("pt-BR", "pt"), ("german", "de"), ("deu", "de"), ("yue", "yue"), ("zh-Hans", "zh"), ("iw", "he"),
        ("", "fr"), ("und", "fr"), ("klingon", "fr"), (nil, "fr"),
    ]) func playersKnowTheCode(_ heard: String?, _ code: String) {
        #expect(SubtitleFiles(names: .withLanguage).language(of: heard, "fr") == code)
        #expect(SubtitleFiles().language(of: heard, "fr") == nil)
        #expect(SubtitleFiles(names: .withLanguage).language(of: nil, nil) == nil)
    }

    @Test func theyAreEncodedAsWanted() {
        let source = transcript([segment(0, 2, "Grüße.")], length: 3)
        for format in SidecarFormat.allCases {
            let plain = Sidecar.render(source, format, run: run)
            let style = SidecarStyle(subtitleFiles: SubtitleFiles(hasByteOrderMark: true, lineEnds: .crlf))
            let other = Sidecar.render(source, format, run: run, style: style)
            guard format == .srt || format == .vtt else {
                #expect(other == plain, "\(format)")
                continue
            }
            #expect(other.starts(with: [0xEF, 0xBB, 0xBF]) && !plain.starts(with: [0xEF]) && !plain.contains(13))
            let lines = other.split(separator: 10, omittingEmptySubsequences: false).dropLast()
            #expect(lines.allSatisfy { $0.last == 13 })
            #expect(other.dropFirst(3).filter { $0 != 13 } == plain)
        }
    }

    private func set(_ text: String) -> [SidecarFormat: [UInt8]] {
        [.txt: Array("text \(text)".utf8), .srt: Array("srt \(text)".utf8), .json: Array("{\"\(text)\"}".utf8)]
    }

    private func list(_ folder: FilePath) throws -> [String] {
        var names: [String] = []
        try DirectoryLister.forEach(in: folder) { entry in
            names.append(entry.name.printable)
            return true
        }
        return names.sorted()
    }

    @Test func aSetOfAnotherLanguageTakesThePlaceOfTheEarlierOne() async throws {
        try await withTemporaryDirectory { folder in
            let writer = SidecarWriter(root: folder)
            // A person's own translation, and the subtitles of another recording.
            for name in ["talk.fr.srt", "talk.en.de.srt", "talk.forced.srt"] {
                try TestAudioFile.write(Array("mine".utf8), to: folder.appending(name))
            }
            let own = try list(folder)
            let first = try writer.write(set("a"), for: talk, language: "de", overwrite: .ifUnedited([]))
            #expect(first.map(\.name.printable) == ["talk.txt", "talk.de.srt", "talk.json"])
            let known = Set(first.map(\.digest))
            let second = try writer.write(set("b"), for: talk, language: "en", overwrite: .ifUnedited(known))
            #expect(second.map(\.name.printable) == ["talk.txt", "talk.en.srt", "talk.json"])
            #expect(try list(folder) == (own + ["talk.txt", "talk.en.srt", "talk.json"]).sorted())
            // Without a language, and with one again.
            let both = known.union(second.map(\.digest))
            let third = try writer.write(set("c"), for: talk, overwrite: .ifUnedited(both))
            #expect(try list(folder) == (own + ["talk.txt", "talk.srt", "talk.json"]).sorted())
            // What a person has edited stays beside the new one.
            try TestAudioFile.write(Array("edited".utf8), to: folder.appending("talk.srt"))
            let all = both.union(third.map(\.digest))
            _ = try writer.write(set("d"), for: talk, language: "en", overwrite: .ifUnedited(all))
            #expect(try list(folder) == (own + ["talk.txt", "talk.srt", "talk.en.srt", "talk.json"]).sorted())
        }
    }

    @Test func anEditedOneOfTheSameLanguageGivesTheNewSetANumber() async throws {
        try await withTemporaryDirectory { folder in
            let writer = SidecarWriter(root: folder)
            let first = try writer.write(set("a"), for: talk, language: "en", overwrite: .ifUnedited([]))
            try TestAudioFile.write(Array("edited".utf8), to: folder.appending("talk.en.srt"))
            let second = try writer.write(
                set("b"), for: talk, language: "en", overwrite: .ifUnedited(Set(first.map(\.digest))))
            #expect(second.map(\.name.printable) == ["talk (2).txt", "talk (2).en.srt", "talk (2).json"])
        }
    }

    /// After a crash the language is not known any more, only what was written.
    @Test func aWholeSetIsKnownWithItsLanguage() async throws {
        try await withTemporaryDirectory { folder in
            let writer = SidecarWriter(root: folder)
            let formats: [SidecarFormat] = [.txt, .srt, .json]
            let written = try writer.write(set("a"), for: talk, language: "en", overwrite: .ifUnedited([]))
            let digests = Set(written.map(\.digest))
            let found = writer.find(digests, formats, for: talk)?.mapValues(\.printable)
            #expect(found == [.txt: "talk.txt", .srt: "talk.en.srt", .json: "talk.json"])
            #expect(writer.find(digests, formats + [.vtt], for: talk) == nil)
            #expect(folder.appending("talk.en.srt").withPlatformString { unlink($0) } == 0)
            #expect(writer.find(digests, formats, for: talk) == nil)
        }
    }
}
