import Inbox
import SystemSupport
import Testing

private func raw(_ text: String) -> RawName { RawName(bytes: text.utf8) }

/// What the files of a recording are called in the outbox.
@Suite struct SidecarBaseTests {
    @Test func haveThePlaceAndNameOfTheRecording() {
        #expect(SidecarBase.candidate(0, for: raw("Akten/talk.mp3"), isPortable: true) == raw("Akten/talk"))
        #expect(SidecarBase.candidate(1, for: raw("Akten/talk.mp3"), isPortable: true) == raw("Akten/talk.mp3"))
        #expect(SidecarBase.candidate(0, for: raw("a:b/AUX.wav"), isPortable: false) == raw("a:b/AUX"))
        let portable = SidecarBase.candidate(0, for: raw("a:b/AUX.wav"), isPortable: true)
        #expect(portable.last == raw("AUX_") && portable.folder.printable.hasPrefix("a_b~"))
    }

    @Test func whatWasCalledOtherwiseBeforeIsKnown() {
        #expect(SidecarBase.formerly(raw("Akten/talk.mp3")).isEmpty)
        #expect(SidecarBase.formerly(raw("10:30.wav")) == [raw("10:30"), raw("10:30.wav")])
        // The second name is fine, and may be anybody's now.
        #expect(SidecarBase.formerly(raw("Ende..wav")) == [raw("Ende.")])
    }

    @Test func notesAboutDifferentFilesAreDifferent() {
        let names = ["a:b.wav", "a_b.wav", "a?b.wav"].map { SidecarBase.note(about: raw($0), isPortable: true) }
        #expect(Set(names).count == 3)
        #expect(names[1] == raw("a_b.wav"))
        #expect(SidecarBase.note(about: raw("x/a:b.wav"), isPortable: false) == raw("x/a:b.wav"))
    }
}
