import Glibc
import SystemPackage
import SystemSupport
import TestSupport
import Testing

@Suite struct TemporaryFilesTests {
    @Test func onlyOursOfEndedProcessesGo() async throws {
        try await withTemporaryDirectory { folder in
            let sub = folder.appending("sub")
            #expect(mkdir(sub.string, 0o755) == 0)
            let away = folder.appending("away")
            #expect(mkdir(away.string, 0o755) == 0)
            #expect(symlink(away.string, sub.appending("link").string) == 0)
            let gone = [".talk.txt.42-7.tmp", ".parlograph-43-1.tmp", ".a-b.json.42-1.tmp"]
            let kept = [
                ".talk.txt.44-7.tmp", "talk.txt.42-7.tmp", ".talk.txt.42-7.tmp2", ".talk.42.tmp", ".42-7.txt",
                ".talk.txt.142-7.tmp", ".other-42-1.tmp", ".talk.txt.42-x.tmp", "talk.txt",
            ]
            for name in gone + kept {
                for place in [folder, sub] { try TestAudioFile.write([1], to: place.appending(name)) }
            }
            try TestAudioFile.write([1], to: away.appending("x"))
            #expect(symlink("talk.txt", folder.appending(".link.txt.42-1.tmp").string) == 0)
            let pathOutside = away.appending(".talk.txt.42-7.tmp")
            try TestAudioFile.write([1], to: pathOutside)

            #expect(TemporaryFiles.remove(of: [42, 43], below: sub) == gone.count)
            #expect((try? FileStatus(at: pathOutside)) != nil, "a link was followed")
            #expect(TemporaryFiles.remove(of: [42, 43], below: folder) == gone.count + 1)
            for place in [folder, sub] {
                for name in kept { #expect((try? FileStatus(at: place.appending(name))) != nil, "\(name)") }
            }
        }
    }
}
