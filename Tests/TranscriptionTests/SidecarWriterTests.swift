import Glibc
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import Transcription

private let talk = RawName(bytes: "talk.mp3".utf8)
private let set: [SidecarFormat: [UInt8]] = [
    .json: Array("{}".utf8), .srt: Array("1".utf8), .txt: Array("text".utf8),
]

private func list(_ folder: FilePath) throws -> [String] {
    var names: [String] = []
    try DirectoryLister.forEach(in: folder) { entry in
        names.append(entry.name.printable)
        return true
    }
    return names.sorted()
}

private func contents(_ path: FilePath) -> String? {
    guard let file = try? FileDescriptor.open(path, .readOnly) else { return nil }
    defer { try? file.close() }
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = (try? buffer.withUnsafeMutableBytes { try file.read(into: $0) }) ?? 0
    return String(decoding: buffer.prefix(count), as: UTF8.self)
}

private func put(_ text: String, _ name: FilePath.Component, in folder: FilePath) throws {
    try AtomicFile.write(Array(text.utf8), named: name, in: folder, rights: nil)
}

@Suite struct SidecarWriterTests {
    @Test func writesTheSetWithTheJSONLast() async throws {
        try await withTemporaryDirectory { folder in
            let written = try SidecarWriter(root: folder).write(set, for: talk, overwrite: .ifUnedited([]))
            #expect(written.map(\.name.printable) == ["talk.txt", "talk.srt", "talk.json"])
            #expect(written.last?.path == folder.appending("talk.json"))
            #expect(try list(folder) == ["talk.json", "talk.srt", "talk.txt"])
            #expect(contents(folder.appending("talk.txt")) == "text")
        }
    }

    /// Whoever waits for the `.json` finds all the others, whatever their names.
    @Test func theJSONIsLastOfAllFormats() async throws {
        try await withTemporaryDirectory { folder in
            let all = Dictionary(uniqueKeysWithValues: SidecarFormat.allCases.map { ($0, Array($0.rawValue.utf8)) })
            let written = try SidecarWriter(root: folder).write(all, for: talk, overwrite: .ifUnedited([]))
            #expect(written.count == SidecarFormat.allCases.count)
            #expect(written.last?.name.printable == "talk.json")
        }
    }

    @Test func anEditedFileStaysAndTheNewSetGetsANumber() async throws {
        try await withTemporaryDirectory { folder in
            let writer = SidecarWriter(root: folder)
            let first = try writer.write(set, for: talk, overwrite: .ifUnedited([]))
            let delivered = Set(first.map(\.digest))
            var next = set
            next[.txt] = Array("better".utf8)

            let second = try writer.write(next, for: talk, overwrite: .ifUnedited(delivered))
            #expect(second.map(\.name.printable) == ["talk.txt", "talk.srt", "talk.json"])
            #expect(contents(folder.appending("talk.txt")) == "better")

            try put("corrected by hand", "talk.txt", in: folder)
            let third = try writer.write(next, for: talk, overwrite: .ifUnedited(delivered))
            #expect(third.map(\.name.printable) == ["talk (2).txt", "talk (2).srt", "talk (2).json"])
            #expect(contents(folder.appending("talk.txt")) == "corrected by hand")

            // The same set once more changes nothing and needs no third number.
            let fourth = try writer.write(next, for: talk, overwrite: .ifUnedited([]))
            #expect(fourth.map(\.name) == third.map(\.name))
        }
    }

    @Test func theCommandLineOverwrites() async throws {
        try await withTemporaryDirectory { folder in
            try put("old", "talk.txt", in: folder)
            _ = try SidecarWriter(root: folder).write(set, for: talk, overwrite: .always)
            #expect(contents(folder.appending("talk.txt")) == "text")
        }
    }

    @Test func aLinkIsNeverFollowed() async throws {
        try await withTemporaryDirectory { folder in
            try put("precious", "elsewhere", in: folder)
            let link = folder.appending("talk.txt")
            _ = link.withPlatformString { symlink("elsewhere", $0) }
            let written = try SidecarWriter(root: folder).write(set, for: talk, overwrite: .ifUnedited([]))
            #expect(written.first?.name.printable == "talk (2).txt")
            _ = try SidecarWriter(root: folder).write(set, for: talk, overwrite: .always)
            #expect(contents(folder.appending("elsewhere")) == "precious")
            #expect(contents(link) == "text")

            let away = folder.appending("away")
            _ = away.withPlatformString { symlink("/tmp", $0) }
            #expect(throws: TranscriptionError.self) {
                try SidecarWriter(root: folder, subfolder: [RawName(bytes: "away".utf8)])
                    .write(set, for: talk, overwrite: .always)
            }
        }
    }

    @Test func aSharedFolderGetsFilesForTheGroup() async throws {
        try await withTemporaryDirectory { folder in
            func mode(_ path: FilePath) throws -> UInt32 { try FileStatus(at: path).mode & 0o777 }
            _ = folder.withPlatformString { chmod($0, 0o755) }
            _ = try SidecarWriter(root: folder).write(set, for: talk, overwrite: .always)
            #expect(try mode(folder.appending("talk.txt")) == 0o644)
            _ = folder.withPlatformString { chmod($0, 0o2775) }
            let sub = RawName(bytes: [0x73, 0xFF])
            let written = try SidecarWriter(root: folder, subfolder: [sub])
                .write(set, for: talk, overwrite: .always)
            #expect(try mode(try #require(written.first).path) == 0o664)
            #expect(try mode(folder.pushing(sub.path)) == 0o775)
        }
    }

    @Test func aFailureLeavesNothingBehind() async throws {
        try await withTemporaryDirectory { folder in
            let writer = SidecarWriter(root: folder.appending("missing"))
            #expect {
                try writer.write(set, for: talk, overwrite: .always)
            } throws: { error in
                (error as? TranscriptionError)?.code == .cannotWrite && "\(error)".contains("talk.mp3")
            }
            // The disk is full when the last of the set is written, after the others were staged.
            let full = SidecarWriter(root: folder) { bytes, name, folder, rights in
                guard name.extension != "json" else { throw SystemError("write", errno: .noSpace) }
                return try AtomicFile.stage(bytes, for: name, in: folder, rights: rights)
            }
            _ = #expect(throws: TranscriptionError.self) { try full.write(set, for: talk, overwrite: .always) }
            let left = try list(folder)
            #expect(left == [])
        }
    }

    /// Who sees the `.json` after a power failure sees a set that is whole.
    @Test func theSetLastsBeforeItHasItsNamesAndThenTheNamesDo() async throws {
        try await withTemporaryDirectory { folder in
            let recorder = SyncRecorder(folder)
            _ = try SidecarWriter(root: folder, sync: recorder.sync).write(set, for: talk, overwrite: .always)
            let files = recorder.calls.dropLast()
            #expect(files.map(\.isFolder) == [false, false, false] && files.map(\.hiddenCount) == [1, 2, 3])
            #expect(files.allSatisfy { $0.names.isEmpty }, "none has its name before all last")
            let last = try #require(recorder.calls.last)
            #expect(last == .init(isFolder: true, names: ["talk.json", "talk.srt", "talk.txt"], hiddenCount: 0))
        }
    }

    @Test(arguments: [false, true]) func aSetThatCannotBeMadeToLastIsNone(failsAtFolder: Bool) async throws {
        try await withTemporaryDirectory { folder in
            let broken = SyncRecorder(folder, failsAtFolder: failsAtFolder)
            let error = #expect(throws: TranscriptionError.self) {
                try SidecarWriter(root: folder, sync: broken.sync).write(set, for: talk, overwrite: .always)
            }
            #expect(error?.code == .cannotWrite)
            let left = try list(folder)
            #expect(left == [])
        }
    }

    /// One outbox, or one folder in it, takes for ever to make its names last, as a share whose server is gone.
    @Test(arguments: ["other", "slow/other"]) func aSlowFolderHoldsUpNoOther(_ other: String) async throws {
        try await withTemporaryDirectory { folder in
            for name in ["slow", other] { #expect(mkdir(folder.appending(name).string, 0o755) == 0) }
            let (hung, threads) = (Turnstile(), BlockingPool(name: "writers", limit: 2))
            let isDone = CancellationFlag()
            try await hung.holding {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        try await threads.run {
                            // With its names, before they last: under the lock of the folder.
                            let sync: AtomicFile.Sync = { descriptor in
                                if (try? FileStatus(of: descriptor))?.kind == .directory { hung.pass() }
                                return 0
                            }
                            _ = try SidecarWriter(root: folder.appending("slow"), sync: sync).write(
                                set, for: talk, overwrite: .ifUnedited([]))
                        }
                    }
                    await hung.haveArrived(1)
                    defer { hung.open() }
                    group.addTask {
                        try await threads.run {
                            _ = try SidecarWriter(root: folder.appending(other)).write(
                                set, for: talk, overwrite: .ifUnedited([]))
                        }
                        isDone.set()
                    }
                    try await eventually("the other set", within: .seconds(120)) { isDone.isSet }
                    #expect(contents(folder.appending("\(other)/talk.json")) == "{}")
                    hung.open()
                    try await group.waitForAll()
                }
            }
            #expect(contents(folder.appending("slow/talk.json")) == "{}")
        }
    }

    @Test func aFolderOfThatNameIsLeftAlone() async throws {
        try await withTemporaryDirectory { folder in
            let obstacle = folder.appending("talk.json")
            _ = obstacle.withPlatformString { mkdir($0, 0o755) }
            let written = try SidecarWriter(root: folder).write(set, for: talk, overwrite: .always)
            #expect(written.last?.name.printable == "talk (2).json")
            #expect(try list(folder) == ["talk (2).json", "talk (2).srt", "talk (2).txt", "talk.json"])
        }
    }

    @Test(arguments: ["..", ".", "a/b", "/etc", ""])
    func aSubfolderIsOnePlainName(name: String) async throws {
        try await withTemporaryDirectory { folder in
            _ = #expect(throws: TranscriptionError.self) {
                try SidecarWriter(root: folder, subfolder: [RawName(bytes: name.utf8)])
                    .write(set, for: talk, overwrite: .always)
            }
        }
    }

    @Test func longNamesDoNotGetInEachOthersWay() async throws {
        try await withTemporaryDirectory { folder in
            let name = RawName(bytes: [UInt8](repeating: 0x61, count: 251) + Array(".mp3".utf8))
            let written = try SidecarWriter(root: folder).write(set, for: name, overwrite: .ifUnedited([]))
            #expect(written.map { contents($0.path) } == ["text", "1", "{}"])
            #expect(try list(folder).count == 3)
        }
    }
}
