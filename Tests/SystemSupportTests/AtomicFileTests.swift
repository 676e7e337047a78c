import Glibc
import SystemPackage
import SystemSupport
import TestSupport
import Testing

private func names(in folder: FilePath) throws -> [String] {
    var names: [String] = []
    try DirectoryLister.forEach(in: folder) { entry in
        names.append(entry.name.printable)
        return true
    }
    return names.sorted()
}

private func read(_ path: FilePath) throws -> [UInt8] {
    let file = try OwnedDescriptor(opening: path, flags: O_RDONLY)
    let size = try FileStatus(of: file.descriptor).identity.byteCount
    var bytes = [UInt8](repeating: 0, count: Int(size))
    let count = try bytes.withUnsafeMutableBytes { try file.descriptor.read(into: $0) }
    return Array(bytes.prefix(count))
}

@Suite struct AtomicFileTests {
    @Test func replacesWholeFilesWithTheRightsAskedFor() async throws {
        try await withTemporaryDirectory { folder in
            try AtomicFile.write(Array("one".utf8), named: "a.txt", in: folder, rights: nil)
            try AtomicFile.write(Array("two".utf8), named: "a.txt", in: folder, rights: .init(mode: 0o664))
            #expect(try read(folder.appending("a.txt")) == Array("two".utf8))
            #expect(try FileStatus(at: folder.appending("a.txt")).mode == 0o664)
            try AtomicFile.write([], named: "empty", in: folder, rights: nil)
            #expect(try names(in: folder) == ["a.txt", "empty"])
        }
    }

    @Test(arguments: [
        (0o2775, 0o664), (0o2770, 0o660), (0o755, 0o644), (0o700, 0o600), (0o1777, 0o664), (0o2750, 0o640),
    ]) func aFileIsForThoseWhoShareItsFolder(_ folderMode: Int, _ mode: Int) async throws {
        try await withTemporaryDirectory { try Self.expectSharing(folderMode, mode, in: $0) }
    }

    private static func expectSharing(_ folderMode: Int, _ mode: Int, in folder: FilePath) throws {
        // Another group than the process's own, where that may be given.
        if geteuid() == 0 { chown(folder.string, uid_t.max, 4321) }
        #expect(chmod(folder.string, mode_t(folderMode)) == 0)
        try AtomicFile.write([1], named: "a.txt", in: folder, rights: nil)
        let made = try FileStatus(at: folder.appending("a.txt"))
        #expect(Int(made.mode) == mode)
        #expect(try made.group == FileStatus(at: folder).group)
    }

    @Test func aFailureLeavesNoTemporaryFileAndTheOldOneAsItWas() async throws {
        try await withTemporaryDirectory { folder in
            let obstacle = folder.appending("taken")
            _ = obstacle.withPlatformString { mkdir($0, 0o755) }
            #expect(throws: SystemError.self) {
                try AtomicFile.write(Array("x".utf8), named: "taken", in: folder, rights: nil)
            }
            let left = try names(in: folder)
            #expect(left == ["taken"])
            let missing = folder.appending("missing")
            _ = #expect(throws: SystemError.self) { try AtomicFile.write([1], named: "a", in: missing, rights: nil) }
        }
    }

    /// After a power failure the old file is there or the new one, and not an empty one.
    @Test func contentsLastBeforeTheyHaveTheirNameAndThenTheNameDoes() async throws {
        try await withTemporaryDirectory { path in
            let folder = try OpenFolder(root: path)
            let recorder = SyncRecorder(path)
            try AtomicFile.write([1], named: "a.txt", in: folder.descriptor, rights: nil, sync: recorder.sync)
            #expect(
                recorder.calls == [
                    .init(isFolder: false, names: [], hiddenCount: 1),
                    .init(isFolder: true, names: ["a.txt"], hiddenCount: 0),
                ])
        }
    }

    @Test func whatCannotBeMadeToLastReplacesNothing() async throws {
        try await withTemporaryDirectory { path in
            let folder = try OpenFolder(root: path)
            let broken = SyncRecorder(path, failsAtFolder: false)
            try AtomicFile.write([1], named: "a.txt", in: folder.descriptor, rights: nil)
            let error = #expect(throws: SystemError.self) {
                try AtomicFile.write([2], named: "a.txt", in: folder.descriptor, rights: nil, sync: broken.sync)
            }
            #expect(error?.errno == .ioError)
            #expect(try read(path.appending("a.txt")) == [1])
            let left = try names(in: path)
            #expect(left == ["a.txt"])
        }
    }

    @Test func replacesALinkAndNotItsTarget() async throws {
        try await withTemporaryDirectory { folder in
            try AtomicFile.write(Array("precious".utf8), named: "target", in: folder, rights: nil)
            _ = folder.appending("link").withPlatformString { symlink("target", $0) }
            try AtomicFile.write(Array("new".utf8), named: "link", in: folder, rights: nil)
            #expect(try read(folder.appending("target")) == Array("precious".utf8))
            #expect(try FileStatus(at: folder.appending("link"), followingLinks: false).kind == .regular)
        }
    }

    @Test func takesNamesOfTwoHundredAndFiftyFiveBytes() async throws {
        try await withTemporaryDirectory { folder in
            let name = try #require(
                RawName(bytes: [UInt8](repeating: 0xFF, count: 255)).path.lastComponent)
            try AtomicFile.write([7], named: name, in: folder, rights: nil)
            #expect(try read(folder.appending(name)) == [7])
        }
    }

    @Test func aLargeFileArrivesWhole() async throws {
        try await withTemporaryDirectory { folder in
            let bytes = (0..<(3 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            try AtomicFile.write(bytes, named: "large", in: folder, rights: nil)
            #expect(try read(folder.appending("large")) == bytes)
        }
    }
}

@Suite struct DirectoryListerTests {
    @Test func namesComeAsTheirBytesWithTheirKind() async throws {
        try await withTemporaryDirectory { folder in
            let odd: [UInt8] = [0x63, 0x61, 0x66, 0xE9, 0x2E, 0x77, 0x61, 0x76]
            let component = try #require(RawName(bytes: odd).path.lastComponent)
            try AtomicFile.write([1], named: component, in: folder, rights: nil)
            _ = folder.appending("sub").withPlatformString { mkdir($0, 0o755) }
            _ = folder.appending("link").withPlatformString { symlink("/", $0) }
            _ = folder.appending("pipe").withPlatformString { mkfifo($0, 0o600) }
            var seen: [RawName: FileStatus.Kind] = [:]
            try DirectoryLister.forEach(in: folder) { entry in
                seen[entry.name] = entry.kind
                return true
            }
            let expected: [RawName: FileStatus.Kind] = [
                RawName(bytes: odd): .regular, RawName(bytes: "sub".utf8): .directory,
                RawName(bytes: "link".utf8): .symbolicLink, RawName(bytes: "pipe".utf8): .other,
            ]
            #expect(seen == expected)
            #expect(try read(folder.pushing(RawName(bytes: odd).path)) == [1])
        }
    }

    @Test func stopsWhenToldAndSaysWhatIsMissing() async throws {
        try await withTemporaryDirectory { folder in
            for name: FilePath.Component in ["a", "b", "c"] {
                try AtomicFile.write([], named: name, in: folder, rights: nil)
            }
            var count = 0
            try DirectoryLister.forEach(in: folder) { _ in
                count += 1
                return false
            }
            #expect(count == 1)
            let missing = folder.appending("missing")
            #expect {
                try DirectoryLister.forEach(in: missing) { _ in true }
            } throws: { error in
                (error as? SystemError)?.errno == .noSuchFileOrDirectory && "\(error)".contains("missing")
            }
        }
    }
}
