import Glibc
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// Moving recordings: nothing is ever replaced or lost.
@Suite struct FileMoverTests {
    private static func name(_ text: String) -> RawName { RawName(bytes: text.utf8) }

    private static func move(
        _ source: FilePath, to folder: FilePath, named name: RawName, isCancelled: () -> Bool = { false }
    ) throws -> RawName {
        try FileMover.move(
            RawName(source).last, in: OpenFolder(root: source.removingLastComponent()), to: OpenFolder(root: folder),
            named: name, isCancelled: isCancelled)
    }

    @Test(arguments: [
        ("talk.mp3", 1, "talk.mp3"), ("talk.mp3", 2, "talk (2).mp3"), ("talk", 3, "talk (3)"),
        (".hidden", 2, ".hidden (2)"), ("a.b.wav", 10, "a.b (10).wav"),
        // No extension is that long: it is part of the name.
        ("minutes.of the annual meeting", 2, "minutes.of the annual meeting (2)"),
    ]) func numbers(_ name: String, _ number: Int, _ expected: String) {
        #expect(Self.name(name).numbered(number) == Self.name(expected))
    }

    @Test func aNumberedNameStaysWithinTheLimitAndBetweenCharacters() {
        let long = String(repeating: "ä", count: 125) + "a.mp3"
        #expect(long.utf8.count == 255)
        let numbered = Self.name(long).numbered(2)
        #expect(numbered.bytes.count <= 255)
        let text = String(validating: numbered.bytes, as: UTF8.self)
        #expect(text?.hasSuffix("ä (2).mp3") == true)
        // Not UTF-8: cut, and still different.
        let raw = RawName(bytes: [UInt8](repeating: 0xFF, count: 251) + Array(".mp3".utf8))
        #expect(raw.numbered(2).bytes.count <= 255)
        #expect(raw.numbered(2) != raw.numbered(3))
    }

    @Test func nothingIsReplacedUnderNamesOf255Bytes() async throws {
        try await withTemporaryDirectory { folder in
            let name = RawName(bytes: [UInt8](repeating: 0x61, count: 251) + Array(".mp3".utf8))
            let target = try OpenFolder(root: folder).making(Self.name("done")).path
            var names: Set<RawName> = []
            for number in 0..<12 {
                let source = folder.appending("source")
                try TestAudioFile.write([UInt8(number)], to: source)
                let given = try Self.move(source, to: target, named: name)
                #expect(try TestAudioFile.read(target.pushing(given.path)) == [UInt8(number)])
                names.insert(given)
            }
            #expect(names.count == 12)
        }
    }

    @Test func acrossFileSystemsContentTimesAndRightsCome() async throws {
        try await withTemporaryDirectory { folder in
            var template = Array("/dev/shm/parlograph-test-XXXXXX".utf8CString)
            let other = try #require(
                template.withUnsafeMutableBufferPointer { $0.baseAddress.flatMap { mkdtemp($0) } }.map {
                    FilePath(platformString: $0)
                })
            defer { rmdir(other.string) }
            try #require(try FileStatus(at: other).identity.device != FileStatus(at: folder).identity.device)
            let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
            try TestAudioFile.write([9], to: folder.appending("talk.wav"))
            let source = other.appending("talk.wav")
            try TestAudioFile.write(bytes, to: source)
            #expect(chmod(source.string, 0o640) == 0)
            let before = try FileStatus(at: source)

            let given = try Self.move(source, to: folder, named: Self.name("talk.wav"))
            #expect(given == Self.name("talk (2).wav"))
            let after = try FileStatus(at: folder.pushing(given.path))
            #expect(after.identity.modified == before.identity.modified)
            #expect(after.mode == 0o640)
            #expect(try TestAudioFile.read(folder.pushing(given.path)) == bytes)
            #expect(try TestAudioFile.read(folder.appending("talk.wav")) == [9])
            #expect((try? FileStatus(at: source)) == nil)
        }
    }

    /// Calls `body` with a folder on another file system than `/tmp`.
    private static func onAnotherFileSystem(_ body: (FilePath) throws -> Void) throws {
        var template = Array("/dev/shm/parlograph-test-XXXXXX".utf8CString)
        let other = try #require(
            template.withUnsafeMutableBufferPointer { $0.baseAddress.flatMap { mkdtemp($0) } }.map {
                FilePath(platformString: $0)
            })
        defer {
            unlink(other.appending("talk.wav").string)
            rmdir(other.string)
        }
        try body(other)
    }

    private static func names(in folder: FilePath) throws -> [String] {
        var names: [String] = []
        try DirectoryLister.forEach(in: folder) {
            names.append($0.name.printable)
            return true
        }
        return names
    }

    /// Somebody saves another recording under the name while the old one is copied.
    @Test(arguments: ["overwritten", "replaced", "grown"]) func whatChangesWhileItIsCopiedStays(
        _ way: String
    ) async throws {
        try await withTemporaryDirectory { folder in
            try Self.onAnotherFileSystem { other in
                let source = other.appending("talk.wav")
                try TestAudioFile.write([UInt8](repeating: 1, count: 3_000_000), to: source)
                var pieces = 0
                #expect(throws: FileMover.SourceChanged.self) {
                    try Self.move(source, to: folder, named: Self.name("talk.wav")) {
                        pieces += 1
                        guard pieces == 3 else { return false }
                        if way == "replaced" { unlink(source.string) }
                        let before = [UInt8](repeating: 1, count: way == "grown" ? 3_000_000 : 0)
                        try? TestAudioFile.write(before + [2], to: source)
                        return false
                    }
                }
                #expect(try TestAudioFile.read(source).last == 2)
                #expect(try Self.names(in: folder).isEmpty)
            }
        }
    }

    @Test func aCopyThatIsCalledOffLeavesTheSourceAlone() async throws {
        try await withTemporaryDirectory { folder in
            try Self.onAnotherFileSystem { other in
                let source = other.appending("talk.wav")
                try TestAudioFile.write([UInt8](repeating: 1, count: 3_000_000), to: source)
                var pieces = 0
                #expect(throws: CancellationError.self) {
                    try Self.move(source, to: folder, named: Self.name("talk.wav")) {
                        pieces += 1
                        return pieces == 3
                    }
                }
                #expect(try TestAudioFile.read(source).count == 3_000_000)
                #expect(try Self.names(in: folder).isEmpty)
            }
        }
    }

    /// After a power failure the recording is in one of the two places as a whole.
    @Test(arguments: [nil, false, true] as [Bool?])
    func aCopyLastsBeforeItsSourceGoes(failsAtFolder: Bool?) async throws {
        try await withTemporaryDirectory { folder in
            try Self.onAnotherFileSystem { other in
                let source = other.appending("talk.wav")
                try TestAudioFile.write([1, 2, 3], to: source)
                let recorder = SyncRecorder(folder, failsAtFolder: failsAtFolder)
                let isThere = Guarded<[Bool]>([])
                func move() throws -> RawName {
                    let name = Self.name("talk.wav")
                    return try FileMover.move(
                        name, in: OpenFolder(root: other), to: OpenFolder(root: folder), named: name,
                        sync: { descriptor in
                            isThere.change { $0.append((try? FileStatus(at: source)) != nil) }
                            return recorder.sync(descriptor)
                        })
                }
                if failsAtFolder == nil { _ = try move() } else { #expect(throws: SystemError.self) { try move() } }
                let file = SyncRecorder.Call(isFolder: false, names: [], hiddenCount: 1)
                let name = SyncRecorder.Call(isFolder: true, names: ["talk.wav"], hiddenCount: 0)
                #expect(recorder.calls == (failsAtFolder == false ? [file] : [file, name]))
                #expect(!isThere.value.contains(false))
                #expect(((try? FileStatus(at: source)) != nil) == (failsAtFolder != nil))
                #expect(try Self.names(in: folder) == (failsAtFolder == nil ? ["talk.wav"] : []))
            }
        }
    }

    @Test func whatCannotBeRemovedAfterwardsIsNotCopied() async throws {
        try await withTemporaryDirectory { folder in
            #expect(chmod(folder.string, 0o777) == 0)
            try Self.onAnotherFileSystem { other in
                let source = other.appending("talk.wav")
                try TestAudioFile.write([1], to: source)
                #expect(chmod(other.string, geteuid() == 0 ? 0o755 : 0o555) == 0)
                defer { chmod(other.string, 0o700) }
                var pieces = 0
                let error = #expect(throws: SystemError.self) {
                    try SystemCalls.asUser(65534) {
                        try Self.move(source, to: folder, named: Self.name("talk.wav")) {
                            pieces += 1
                            return false
                        }
                    }
                }
                #expect(error?.description.contains("The folder \(other.string) does not let") == true)
                #expect(try Self.names(in: folder).isEmpty && pieces == 1)
            }
        }
    }

    /// As a crash leaves it between the copy's new name and the removal of the source.
    @Test(arguments: [true, false]) func aFinishedCopyIsKnownAgain(isSame: Bool) async throws {
        try await withTemporaryDirectory { folder in
            try Self.onAnotherFileSystem { other in
                let source = other.appending("talk.wav")
                let bytes = (0..<2_500_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
                try TestAudioFile.write(bytes, to: source)
                let copy = folder.appending("talk.wav")
                try TestAudioFile.write(isSame ? bytes : bytes.dropLast() + [0], to: copy)
                var times = [timespec(tv_sec: 1_000_000_000, tv_nsec: 5), timespec(tv_sec: 1_000_000_000, tv_nsec: 5)]
                for path in [source, copy] { #expect(utimensat(AT_FDCWD, path.string, &times, 0) == 0) }
                let given = try Self.move(source, to: folder, named: Self.name("talk.wav"))
                #expect(given == Self.name(isSame ? "talk.wav" : "talk (2).wav"))
                #expect(try TestAudioFile.read(folder.pushing(given.path)) == bytes)
                #expect((try? FileStatus(at: source)) == nil)
            }
        }
    }

    /// What lies under the name now was never transcribed.
    @Test func anotherFileThanTheOneThatIsMeantStays() async throws {
        try await withTemporaryDirectory { folder in
            let source = folder.appending("talk.wav")
            try TestAudioFile.write([1], to: source)
            let meant = try FileStatus(at: source).identity
            try TestAudioFile.write([1, 2], to: source)
            let target = try OpenFolder(root: folder).making(Self.name("done"))
            let name = Self.name("talk.wav")
            #expect(throws: FileMover.SourceChanged.self) {
                try FileMover.move(name, in: OpenFolder(root: folder), to: target, named: name, identity: meant)
            }
            #expect(try TestAudioFile.read(source) == [1, 2])
            #expect(try Self.names(in: target.path).isEmpty)
        }
    }

    @Test func aMoveThatFailsLeavesTheSource() async throws {
        try await withTemporaryDirectory { folder in
            let source = folder.appending("talk.wav")
            try TestAudioFile.write([1], to: source)
            #expect(throws: SystemError.self) {
                try Self.move(source, to: folder.appending("nowhere"), named: Self.name("talk.wav"))
            }
            #expect(try TestAudioFile.read(source) == [1])
        }
    }

    @Test func foldersTakeTheRightsOfTheirParentWhateverTheUmask() async throws {
        try await withTemporaryDirectory { folder in
            #expect(chmod(folder.string, 0o2775) == 0)
            let root = try OpenFolder(root: folder)
            let made = try root.making(Self.name("a/b")).path
            #expect(made == folder.appending("a").appending("b"))
            #expect(try FileStatus(at: made).mode == 0o2775)
            // A link on the way is not followed out of the share.
            _ = try root.making(Self.name("elsewhere"))
            #expect(symlink(folder.appending("elsewhere").string, folder.appending("link").string) == 0)
            #expect(throws: SystemError.self) { _ = try root.making(Self.name("link/c")) }
        }
    }
}
