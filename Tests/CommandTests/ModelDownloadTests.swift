import Glibc
import Synchronization
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// `parlograph models add ADDRESS`, with servers that behave and servers that do not.
@Suite(.timeLimit(.minutes(20))) struct ModelDownloadTests {
    /// A file as a web server gives it.
    private struct Served: Sendable {
        var bytes: [UInt8]
        /// Nil: its version has no name.
        var tag: String? = "\"one\""
        var hasRanges = true
        /// The connection ends after so many bytes of it.
        var cut: Int?

        func answer(_ request: FakeTranscriptionServer.Request) -> FakeTranscriptionServer.Response {
            var start = 0
            var response = FakeTranscriptionServer.Response(headers: tag.map { [("ETag", $0)] } ?? [])
            let isSame = request.headers["if-range"].map { tag == $0 } ?? true
            if hasRanges, isSame, let range = request.headers["range"], let from = Int(range.filter(\.isNumber)) {
                guard from < bytes.count else {
                    return FakeTranscriptionServer.Response(416, headers: [("Content-Range", "bytes */\(bytes.count)")])
                }
                start = from
                response.status = 206
                response.headers.append(("Content-Range", "bytes \(start)-\(bytes.count - 1)/\(bytes.count)"))
            }
            response.body = Array(bytes[start...])
            guard let cut, cut < response.body.count else { return response }
            response.headers.append(("Content-Length", "\(response.body.count)"))
            response.isFramed = false
            response.body = Array(response.body.prefix(cut))
            return response
        }
    }

    private static let file = "\(RandomModels.small).tar.gz"

    private static func place(_ folder: FilePath) async throws -> (place: Workplace, archive: [UInt8]) {
        let place = try Workplace(
            folder,
            """
            [engines.offline]
            models_directory = "\(folder.string)/models"
            """)
        try await RandomModels.make(in: folder.appending("made"))
        try await TestAudioFile.run(
            "tar", ["-czf", place[file].string, "-C", place["made"].string, RandomModels.small])
        try place.makeFolder("models")
        return (place, try TestAudioFile.read(place[file]))
    }

    /// Just the model is there, and no trace of how it came.
    private static func expectModelAlone(_ place: Workplace) throws {
        let name = RandomModels.smallName
        #expect(try place.files("models") == ["model.onnx", "model.toml", "tokens.txt"].map { "\(name)/\($0)" })
        #expect(try place.files("models") == place.files("models").filter { !$0.hasPrefix(".") })
    }

    @Test(arguments: ["ranges", "none", "chunked", "endless", "redirect", "cut", "proxy"])
    func aModelComesFromAnAddress(_ way: String) async throws {
        try await withTemporaryDirectory { folder in
            let (place, archive) = try await Self.place(folder)
            let server = try FakeTranscriptionServer(
                models: { request in
                    if way == "redirect", request.path.hasPrefix("/old/") {
                        return FakeTranscriptionServer.Response(302, headers: [("Location", "/new/\(Self.file)")])
                    }
                    var served = Served(bytes: archive)
                    served.hasRanges = way != "none"
                    if way == "cut" { served.cut = 10_000 }
                    var response = served.answer(request)
                    response.isChunked = way == "chunked"
                    if way == "endless" { response.isFramed = false }
                    return response
                }, script: { _ in FakeTranscriptionServer.Response(500) })
            defer { server.stop() }
            let host = way == "proxy" ? "http://models.invalid" : server.url
            let added = try await place.run(
                "models", "add", "\(host)/old/\(Self.file)",
                environment: way == "proxy" ? ["http_proxy": server.url] : [:])
            #expect(added.status == 0, "\(added.errors)")
            #expect(added.lines == [place["models/\(RandomModels.smallName)"].string])
            try Self.expectModelAlone(place)
            if way == "cut" { #expect(server.questions.count == (archive.count + 9_999) / 10_000) }
            if way == "proxy" { #expect(server.questions.first?.path.hasPrefix("http://models.invalid/") == true) }
        }
    }

    /// Ctrl-C in the middle, and the same command once more, to servers that have the same file, another one, or that
    /// cannot go on in the middle.
    @Test(arguments: ["same", "other", "norange"]) func anInterruptedOneGoesOn(_ way: String) async throws {
        try await withTemporaryDirectory { folder in
            let (place, archive) = try await Self.place(folder)
            let isSecond = Mutex(false)
            let server = try FakeTranscriptionServer(
                models: { request in
                    var served = Served(bytes: archive)
                    guard isSecond.withLock({ $0 }) else {
                        if way == "other" { served.bytes = Array(repeating: 7, count: archive.count) }
                        var response = served.answer(request)
                        response.ending = .stall
                        return response
                    }
                    if way == "other" { served.tag = "\"two\"" }
                    served.hasRanges = way != "norange"
                    return served.answer(request)
                }, script: { _ in FakeTranscriptionServer.Response(500) })
            defer { server.stop() }
            let name = RandomModels.smallName
            try await place.start("models", "add", "\(server.url)/\(Self.file)") { program in
                try await eventually("half of the archive") {
                    let status = try? FileStatus(at: place["models/.\(name).partial"])
                    return status?.identity.byteCount == Int64(archive.count / 2)
                }
                let second = try await place.run("models", "add", "\(server.url)/\(Self.file)")
                #expect(second.status == 65 && second.errors.contains("Another process is adding"), "\(second.errors)")
                program.send(SIGINT)
                let ended = try await program.end()
                #expect(ended.status == 130 && ended.errors.contains("goes on"), "\(ended.errors)")
            }
            #expect(try place.files("models") == [".\(name).origin", ".\(name).partial"])
            let list = try await place.run("models", "list")
            #expect(list.lines.contains { $0.hasPrefix("fetching   \(name)  ") }, "\(list.lines)")

            isSecond.withLock { $0 = true }
            let again = try await place.run("models", "add", "\(server.url)/\(Self.file)")
            #expect(again.status == 0, "\(again.errors)")
            try Self.expectModelAlone(place)
            #expect(server.questions.count == 2)
            #expect(server.questions.last?.headers["range"] == "bytes=\(archive.count / 2)-")
        }
    }

    /// What is whole is not fetched again when it could not be unpacked, even by a machine that has no network by now.
    @Test func whatIsWholeIsKeptUntilItCanBeUnpacked() async throws {
        try await withTemporaryDirectory { folder in
            let (place, archive) = try await Self.place(folder)
            let server = try FakeTranscriptionServer(
                models: { Served(bytes: archive).answer($0) }, script: { _ in FakeTranscriptionServer.Response(500) })
            defer { server.stop() }
            let address = "\(server.url)/\(Self.file)"
            let refused = try await place.run("models", "add", address, environment: ["PATH": folder.string])
            #expect(refused.status == 69 && refused.errors.contains("apt install gzip"), "\(refused.errors)")
            server.stop()
            let added = try await place.run("models", "add", address)
            #expect(added.status == 0, "\(added.errors)")
            try Self.expectModelAlone(place)
        }
    }

    /// Another address is another file, whatever its name.
    @Test func partsOfTwoFilesAreNeverJoined() async throws {
        try await withTemporaryDirectory { folder in
            let (place, archive) = try await Self.place(folder)
            let server = try FakeTranscriptionServer(
                models: { request in
                    var served = Served(bytes: archive)
                    if request.path.hasPrefix("/a/") {
                        served.bytes = Array(repeating: 7, count: archive.count)
                        served.cut = request.headers["range"] == nil ? 10_000 : 0
                    }
                    return served.answer(request)
                }, script: { _ in FakeTranscriptionServer.Response(500) })
            defer { server.stop() }
            let cut = try await place.run("models", "add", "\(server.url)/a/\(Self.file)")
            #expect(cut.status == 69 && cut.errors.contains("goes on there"), "\(cut.errors)")
            let added = try await place.run("models", "add", "\(server.url)/b/\(Self.file)")
            #expect(added.status == 0, "\(added.errors)")
            #expect(server.questions.last?.headers["range"] == nil)
            try Self.expectModelAlone(place)
        }
    }

    /// A server that does not name the file's version may have another one by the next request.
    @Test(arguments: [nil, "W/\"weak\""]) func whatHasNoVersionIsFetchedAnew(_ tag: String?) async throws {
        try await withTemporaryDirectory { folder in
            let (place, archive) = try await Self.place(folder)
            let isReplaced = Mutex(false)
            let server = try FakeTranscriptionServer(
                models: { request in
                    var served = Served(bytes: archive, tag: tag)
                    if !isReplaced.withLock({ $0 }) {
                        served.bytes = Array(repeating: 7, count: archive.count)
                        served.cut = 10_000
                    }
                    return served.answer(request)
                }, script: { _ in FakeTranscriptionServer.Response(500) })
            defer { server.stop() }
            let address = "\(server.url)/\(Self.file)"
            let cut = try await place.run("models", "add", address)
            #expect(cut.status == 69 && !cut.errors.contains("goes on there"), "\(cut.errors)")
            #expect(try place.files("models") == [])
            isReplaced.withLock { $0 = true }
            let added = try await place.run("models", "add", address)
            #expect(added.status == 0, "\(added.errors)")
            #expect(server.questions.allSatisfy { $0.headers["range"] == nil })
            try Self.expectModelAlone(place)
        }
    }

    @Test(arguments: [(404, 69), (503, 69), (200, 65), (204, 69)])
    func whatIsNoModelLeavesNothingBehind(_ answer: Int, _ status: Int32) async throws {
        try await withTemporaryDirectory { folder in
            let (place, _) = try await Self.place(folder)
            let server = try FakeTranscriptionServer(
                models: { _ in FakeTranscriptionServer.Response(answer, text: answer == 204 ? "" : "<html>log in") },
                script: { _ in FakeTranscriptionServer.Response(500) })
            defer { server.stop() }
            let address = server.url.replacing("http://", with: "http://me:word@")
            let refused = try await place.run("models", "add", "\(address)/\(Self.file)?token=hidden")
            #expect(refused.status == status, "\(refused.errors)")
            #expect(refused.errors.contains("127.0.0.1") && !refused.errors.contains("word"), "\(refused.errors)")
            #expect(!refused.errors.contains("hidden"))
            #expect(try place.files("models") == [])
        }
    }

    @Test func theArchiveMustHaveTheHashThatIsAskedFor() async throws {
        try await withTemporaryDirectory { folder in
            let (place, archive) = try await Self.place(folder)
            let server = try FakeTranscriptionServer(
                models: { Served(bytes: archive).answer($0) }, script: { _ in FakeTranscriptionServer.Response(500) })
            defer { server.stop() }
            var hash = SHA256()
            archive.withUnsafeBytes { hash.update($0) }
            let right = hash.finish().description
            let wrong = String(right.reversed())
            let address = "\(server.url)/\(Self.file)?token=hidden"
            let refused = try await place.run("models", "add", address, "--hash", wrong)
            #expect(refused.status == 65 && refused.errors.contains(right), "\(refused.errors)")
            #expect(try place.files("models") == [])
            let added = try await place.run("models", "add", address, "--hash", right.uppercased())
            #expect(added.status == 0 && !added.errors.contains("hashes"), "\(added.errors)")
            try Self.expectModelAlone(place)
            #expect(!(try place.text("models/\(RandomModels.smallName)/model.toml")).contains("hidden"))
            #expect(try await place.run("models", "add", address, "--hash", "abc").status == 64)
        }
    }

    /// What has the name of an archive of the list must be that, wherever it comes from.
    @Test func anArchiveOfTheListMustBeIt() async throws {
        try await withTemporaryDirectory { folder in
            let (place, archive) = try await Self.place(folder)
            let server = try FakeTranscriptionServer(
                models: { Served(bytes: archive).answer($0) }, script: { _ in FakeTranscriptionServer.Response(500) })
            defer { server.stop() }
            let name = "sherpa-onnx-nemo-parakeet-tdt-0.6b-v3-int8.tar.bz2"
            let fetched = try await place.run("models", "add", "\(server.url)/\(name)")
            #expect(fetched.status == 69 && fetched.errors.contains("not 487170055"), "\(fetched.errors)")
            try place.move(Self.file, name)
            let brought = try await place.run("models", "add", place[name].string)
            #expect(brought.status == 65 && brought.errors.contains("SHA-256"), "\(brought.errors)")
            #expect(try place.files("models") == [])
            var hash = SHA256()
            archive.withUnsafeBytes { hash.update($0) }
            let meant = try await place.run(
                "models", "add", place[name].string, "--hash", hash.finish().description, "--name", "nemo-mine")
            #expect(meant.status == 0 && !meant.errors.contains("hashes"), "\(meant.errors)")
        }
    }
}
