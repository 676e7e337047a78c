import SystemSupport
import Testing
import Transcription

private func raw(_ text: String) -> RawName { RawName(bytes: text.utf8) }

@Suite struct SidecarNamesTests {
    @Test(arguments: [
        ("talk.mp3", "talk.txt"), ("talk", "talk.txt"), ("a.tar.gz", "a.tar.txt"), (".hidden", ".hidden.txt"),
        (".hidden.mp3", ".hidden.txt"), ("talk.", "talk.txt"), ("talk...", "talk.txt"), ("...", "....txt"),
        ("..mp3", "..mp3.txt"), ("Besprechung März.ogg", "Besprechung März.txt"), ("a b.wav", "a b.txt"),
        ("talk.status.mp3", "talk.status.mp3.txt"), ("talk.error.mp3", "talk.error.mp3.txt"),
    ])
    func takesTheStem(recording: String, sidecar: String) {
        #expect(SidecarNames(for: raw(recording)).name(.txt) == raw(sidecar))
    }

    @Test func theSecondOfAStemKeepsItsExtension() {
        #expect(SidecarNames.candidate(0, for: raw("a.wav")).name(.txt) == raw("a.txt"))
        #expect(SidecarNames.candidate(1, for: raw("a.wav")).name(.txt) == raw("a.wav.txt"))
        #expect(SidecarNames.candidate(2, for: raw("a.wav")).name(.txt) == raw("a.wav (2).txt"))
        #expect(SidecarNames(for: raw("talk.mp3"), number: 2).name(.json) == raw("talk (2).json"))
        #expect(SidecarNames(for: raw("talk.mp3")).status == raw("talk.status.txt"))
        #expect(SidecarNames(for: raw("talk.mp3")).error == raw("talk.error.txt"))
    }

    @Test func bytesThatAreNotUTF8Stay() {
        let name = RawName(bytes: [0x63, 0xE9, 0xFF, 0x2E, 0x6D, 0x70, 0x33])
        #expect(SidecarNames(for: name).name(.txt).bytes == [0x63, 0xE9, 0xFF] + Array(".txt".utf8))
    }

    @Test(arguments: 1...4)
    func longNamesStayWithinTheFileSystemAndApart(width: Int) {
        let character = ["a", "é", "会", "😀"][width - 1]
        let stem = String(repeating: character, count: 251 / width)
        var seen: Set<RawName> = []
        for ending in ["x", "y"] {
            for number in [1, 2, 999] {
                let names = SidecarNames(for: raw(stem.dropLast() + ending + ".wav"), number: number)
                for format in SidecarFormat.allCases {
                    let name = names.name(format)
                    #expect(name.bytes.count <= 240)
                    #expect(String(validating: name.bytes, as: UTF8.self) != nil, "cut within a character")
                    #expect(seen.insert(name).inserted)
                }
                #expect(names.status.bytes.count <= 255)
            }
        }
    }

    @Test func longNamesOfOtherBytesAreCutToo() {
        let name = RawName(bytes: [UInt8](repeating: 0x80, count: 255))
        #expect(SidecarNames(for: name).name(.txt).bytes.count <= 240)
        #expect(SidecarNames(for: name).name(.txt).bytes.count > 200)
    }

    @Test func thePageOfARecordingIsNotTakenForTheOneOfTheQueue() {
        func name(_ recording: String, _ format: SidecarFormat) -> String {
            SidecarNames(for: RawName(bytes: recording.utf8)).name(format).printable
        }
        #expect(name("status.mp3", .html) == "status.transcript.html" && name("status.mp3", .txt) == "status.txt")
        #expect(name("STATUS.mp3", .html) == "STATUS.transcript.html" && name("talk.mp3", .html) == "talk.html")
    }
}
