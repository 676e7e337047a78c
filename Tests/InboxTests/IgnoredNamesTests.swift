import Inbox
import SystemSupport
import Testing

@Suite struct IgnoredNamesTests {
    @Test(arguments: [
        // Windows, macOS and Linux file managers.
        ".DS_Store", "._talk.mp3", "Thumbs.db", "ehthumbs.db", "desktop.ini", "$RECYCLE.BIN",
        "System Volume Information",
        ".Trash-1000", ".directory", "lost+found", ".fuse_hidden0000004200000001", ".nfs000000000042",
        // NAS boxes.
        "@eaDir", "#recycle",
        // Office and editors.
        "~$talk.wav", "~WRL0003.tmp", "talk.wav~", ".talk.wav.swp", "talk.bak", "Inbox.lnk",
        // On their way.
        "talk.mp3.part", "talk.mp3.crdownload", "talk.mp3.filepart", "talk.mp3.TMP", "talk.mp3.partial",
        ".talk.mp3.Xk2b9q",
        "talk.mp3.opdownload", "talk.download", "~syncthing~talk.mp3.tmp", ".syncthing.talk.mp3.tmp", "talk.mp3.!sync",
        // Notes and sidecars put beside a recording.
        "talk.txt", "talk.SRT", "talk.json", "README.md",
    ]) func isNeverARecording(_ name: String) {
        #expect(IgnoredNames.contains(RawName(bytes: name.utf8)))
    }

    @Test(arguments: [
        "talk.mp3", "TALK.MP3", "talk", "Sitzung 3.wav", "会議.m4a", "tmp.wav", "part.mp3", "a.tmp.wav", "$5 talk.wav",
        "~talk.wav", "#1.mp3", "@home.ogg", "talk.txt.mp3",
    ]) func mayBeARecording(_ name: String) {
        #expect(!IgnoredNames.contains(RawName(bytes: name.utf8)))
    }

    @Test func namesThatAreNotUTF8() {
        #expect(!IgnoredNames.contains(RawName(bytes: [0x63, 0xE9] + Array(".wav".utf8))))
        #expect(IgnoredNames.contains(RawName(bytes: [0x63, 0xE9] + Array(".tmp".utf8))))
    }
}
