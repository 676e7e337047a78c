import Engines
import Glibc
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import Transcription

@Suite struct ModelLayoutTests {
    @Test(arguments: [
        ("moonshine-tiny-en", ["encoder_model.ort", "decoder_model_merged.ort", "tokens.txt"], ModelFamily.moonshine),
        (
            "sherpa-onnx-moonshine-tiny-en-int8",
            [
                "preprocess.onnx", "encode.int8.onnx", "uncached_decode.int8.onnx", "cached_decode.int8.onnx",
                "tokens.txt",
            ],
            .moonshineV1
        ),
        (
            "sherpa-onnx-whisper-base", ["base-encoder.int8.onnx", "base-decoder.int8.onnx", "base-tokens.txt"],
            .whisper
        ),
        (
            "sherpa-onnx-nemo-parakeet-tdt-0.6b-v3-int8",
            ["encoder.int8.onnx", "decoder.int8.onnx", "joiner.int8.onnx", "tokens.txt"], .nemoTransducer
        ),
        (
            "sherpa-onnx-zipformer-en-2023-06-26",
            [
                "encoder-epoch-99-avg-1.onnx", "encoder-epoch-99-avg-1.int8.onnx", "decoder-epoch-99-avg-1.onnx",
                "joiner-epoch-99-avg-1.onnx", "tokens.txt",
            ], .transducer
        ),
        ("sherpa-onnx-sense-voice-zh-en-ja-ko-yue", ["model.int8.onnx", "model.onnx", "tokens.txt"], .senseVoice),
        ("sherpa-onnx-nemo-fast-conformer-ctc-en", ["model.onnx", "tokens.txt"], .nemoCTC),
        ("sherpa-onnx-zipformer-ctc-zh", ["model.onnx", "tokens.txt"], .zipformerCTC),
        (
            "sherpa-onnx-nemo-canary-180m-flash-en-es-de-fr", ["encoder.int8.onnx", "decoder.int8.onnx", "tokens.txt"],
            .canary
        ),
    ]) func aModelIsKnownByItsFiles(_ folder: String, _ files: [String], _ family: ModelFamily) throws {
        let layout = try #require(ModelLayout(files: files + ["README.md", "test_wavs"], folder: folder))
        #expect(layout.family == family)
        #expect(Set(layout.files).isSubset(of: files))
        // The quantised file where there are both.
        #expect(
            !layout.files.contains {
                !$0.contains("int8") && files.contains($0.replacing(".onnx", with: ".int8.onnx"))
                    && $0.hasSuffix(".onnx")
            })
        for missing in layout.files {
            let rest = files.filter { $0 != missing && $0 != missing.replacing(".int8", with: "") }
            #expect(ModelLayout(files: rest, folder: folder)?.family != family, "without \(missing)")
        }
    }

    @Test func aFamilyThatNamesCannotTellIsToldByTheManifest() {
        let files = ["model.onnx", "tokens.txt"]
        #expect(ModelLayout(files: files, folder: "mine") == nil)
        #expect(ModelLayout(files: files, folder: "mine", family: .senseVoice)?.family == .senseVoice)
        #expect(ModelLayout(files: files, folder: "mine", family: .whisper) == nil)
    }
}

@Suite struct ModelManifestTests {
    @Test func whatIsWrittenIsRead() throws {
        var manifest = ModelManifest()
        manifest.family = .senseVoice
        manifest.languages = ["zh", "en"]
        manifest.source = "a \"quoted\" place"
        manifest.files = ["model.onnx": String(repeating: "a", count: 64)]
        let read = try ModelManifest(parsing: "# made by hand\n\n" + manifest.text)
        #expect(read.family == .senseVoice && read.languages == ["zh", "en"] && read.files == manifest.files)
        #expect(read.source == "a _quoted_ place")
    }

    @Test(arguments: [
        ("family = \"magic\"", 1), ("\nlanguages = en", 2), ("[file]", 1), ("[files]\n\"../a\" = \"0\"", 2), ("x", 1),
        ("colour = \"red\"", 1),
    ]) func whatIsWrongIsNamedWithItsLine(_ text: String, _ line: Int) {
        let fault = #expect(throws: ModelManifest.Fault.self) { try ModelManifest(parsing: text) }
        #expect(fault?.line == line)
    }
}

/// Models that are missing, torn or something else, with the library itself.
@Suite(.timeLimit(.minutes(20))) struct BrokenModelTests {
    /// The English model's files, those named replaced.
    private static func copy(
        of model: InstalledModel, to folder: FilePath, replacing changes: [String: (String) throws -> [UInt8]?]
    ) throws {
        try FileDescriptor.makeFolder(folder)
        for name in model.layout.files {
            let source = model.folder.appending(name)
            guard let change = changes[name] else {
                _ = source.withPlatformString { from in
                    folder.appending(name).withPlatformString { symlink(from, $0) }
                }
                continue
            }
            guard let bytes = try change(name) else { continue }
            let file = try FileDescriptor.open(
                folder.appending(name), .writeOnly, options: [.create], permissions: [.ownerReadWrite])
            try file.closeAfter { _ = try file.writeAll(bytes) }
        }
    }

    private static func head(of model: InstalledModel, _ bytes: Int) -> (String) throws -> [UInt8]? {
        { name in
            let file = try FileDescriptor.open(model.folder.appending(name), .readOnly)
            return try file.closeAfter {
                try [UInt8](unsafeUninitializedCapacity: bytes) { buffer, count in
                    count = try file.read(into: UnsafeMutableRawBufferPointer(buffer))
                }
            }
        }
    }

    /// As in the caches of other programs.
    @Test func aModelMayConsistOfLinks() async throws {
        let model = try InstalledModel.find(OfflineEngineSettings())
        let speech = try await OfflineSpeech.samples(of: OfflineSpeech.short[0])
        try await withTemporaryDirectory { folder in
            let linked = folder.appending("linked-en")
            try Self.copy(of: model, to: linked, replacing: [:])
            let engine = OfflineEngine.make(OfflineEngineSettings(model: linked.string, threads: 1))
            #expect(try await engine.text(of: speech).contains("letter"))
        }
    }

    @Test(arguments: 0..<7) func aBrokenModelIsOneClearMessage(_ number: Int) async throws {
        let model = try InstalledModel.find(OfflineEngineSettings())
        let garbage: (String) -> [UInt8]? = { _ in Array(repeating: 0x41, count: 5000) }
        let cases: [[String: (String) throws -> [UInt8]?]] = [
            ["encoder_model.ort": Self.head(of: model, 100_000)], ["encoder_model.ort": garbage],
            ["encoder_model.ort": { _ in [] }], ["encoder_model.ort": { _ in nil }],
            ["decoder_model_merged.ort": Self.head(of: model, 100_000)], ["tokens.txt": garbage],
            ["tokens.txt": { _ in Array("hello\nworld of words\n".utf8) }],
        ]
        try await withTemporaryDirectory { folder in
            let broken = folder.appending("broken-en")
            try Self.copy(of: model, to: broken, replacing: cases[number])
            let engine = OfflineEngine.make(OfflineEngineSettings(model: broken.string, threads: 1))
            let error = await #expect(throws: TranscriptionError.self) {
                _ = try await engine.transcript(of: OfflineSpeech.noise(seconds: 1))
            }
            #expect(error?.code == .engineUnavailable, "\(error?.message ?? "")")
            #expect(error?.message.contains("broken-en") == true, "\(error?.message ?? "")")
        }
    }

    /// It is loaded all the same, and nothing tells but the library's standard error.
    @Test func aModelThatCannotDecodeIsOneClearMessage() async throws {
        let model = try InstalledModel.find(OfflineEngineSettings())
        let speech = try await OfflineSpeech.samples(of: OfflineSpeech.sentences[0])
        try await withTemporaryDirectory { folder in
            let swapped = folder.appending("swapped-en")
            try Self.copy(of: model, to: swapped, replacing: ["tokens.txt": { _ in nil }])
            for (name, other) in [
                ("tokens.txt", "tokens.txt"), ("a", "encoder_model.ort"), ("b", "decoder_model_merged.ort"),
            ] {
                let source = model.folder.appending(other)
                _ = source.withPlatformString { from in
                    swapped.appending(name).withPlatformString { symlink(from, $0) }
                }
            }
            for (from, to) in [("b", "encoder_model.ort"), ("a", "decoder_model_merged.ort")] {
                _ = swapped.appending(from).withPlatformString { from in
                    swapped.appending(to).withPlatformString { rename(from, $0) }
                }
            }
            let engine = OfflineEngine.make(OfflineEngineSettings(model: swapped.string, threads: 1))
            let error = await #expect(throws: TranscriptionError.self) { _ = try await engine.transcript(of: speech) }
            #expect(error?.code == .engineUnavailable)
            #expect(
                error?.message.contains("swapped-en” was loaded, but cannot decode") == true, "\(error?.message ?? "")")
        }
    }

    /// sherpa-onnx would leave out the words that are not in it.
    @Test func aListOfTokensThatWasCutOffAtTheEndOfALineIsSeen() async throws {
        let model = try InstalledModel.find(OfflineEngineSettings())
        try await withTemporaryDirectory { folder in
            let half = folder.appending("half-en")
            let head = Self.head(of: model, 200_000)
            try Self.copy(
                of: model, to: half,
                replacing: [
                    "tokens.txt": { name in try head(name).map { Array($0[...($0.lastIndex(of: 10) ?? 0)]) } }
                ])
            let engine = OfflineEngine.make(OfflineEngineSettings(model: half.string, threads: 1))
            let error = await #expect(throws: TranscriptionError.self) { _ = try await engine.check() }
            #expect(error?.code == .engineUnavailable)
            #expect(error?.message.contains("tokens.txt") == true, "\(error?.message ?? "")")
        }
    }

    @Test func aFileThatIsNotWhatItWasIsSeenBeforeItIsLoaded() async throws {
        let model = try InstalledModel.find(OfflineEngineSettings())
        try await withTemporaryDirectory { folder in
            let broken = folder.appending("half")
            try Self.copy(of: model, to: broken, replacing: ["tokens.txt": Self.head(of: model, 200_000)])
            let manifest = try FileDescriptor.open(
                broken.appending("model.toml"), .writeOnly, options: [.create], permissions: [.ownerReadWrite])
            try manifest.closeAfter { _ = try manifest.writeAll(Array((model.manifest?.text ?? "").utf8)) }
            let engine = OfflineEngine.make(OfflineEngineSettings(model: broken.string, threads: 1))
            let error = await #expect(throws: TranscriptionError.self) { _ = try await engine.check() }
            #expect(error?.message.contains("tokens.txt") == true)
            #expect(error?.code == .engineUnavailable)
        }
    }

    @Test func aFileThatIsMissingIsNamed() async throws {
        let model = try InstalledModel.find(OfflineEngineSettings())
        try await withTemporaryDirectory { folder in
            let broken = folder.appending("part")
            try Self.copy(of: model, to: broken, replacing: ["encoder_model.ort": { _ in nil }])
            let manifest = try FileDescriptor.open(
                broken.appending("model.toml"), .writeOnly, options: [.create], permissions: [.ownerReadWrite])
            try manifest.closeAfter { _ = try manifest.writeAll(Array((model.manifest?.text ?? "").utf8)) }
            let engine = OfflineEngine.make(OfflineEngineSettings(model: broken.string, threads: 1))
            let error = await #expect(throws: TranscriptionError.self) { _ = try await engine.check() }
            #expect(error?.message.contains("encoder_model.ort is missing") == true, "\(error?.message ?? "")")
            #expect(error?.code == .engineUnavailable)
        }
    }

    @Test func aMissingModelIsNamedWithTheRemedy() async throws {
        let engine = OfflineEngine.make(OfflineEngineSettings(model: "parakeet"))
        let error = await #expect(throws: TranscriptionError.self) { _ = try await engine.check() }
        #expect(error?.code == .engineUnavailable)
        #expect(error?.message.contains("parlograph models add parakeet") == true)
    }

    /// With 200 it cannot be loaded, and with 400 it may just do.
    @Test(arguments: [200, 300, 400]) func tooLittleMemoryIsSaid(megabytes: UInt64) async throws {
        let engine = OfflineEngine.make(OfflineEngineSettings(threads: 1), maximumMemory: megabytes << 20)
        let speech = try await OfflineSpeech.samples(of: OfflineSpeech.sentences[0])
        let long = Array((0..<4).map { _ in speech }.joined().prefix(20 * 16_000))
        do {
            let text = try await engine.text(of: long)
            #expect(megabytes > 200 && text.contains("The committee will meet on Monday"), "\(text)")
        } catch let error as TranscriptionError {
            #expect(error.message.contains("memory"), "\(error.message)")
            #expect(error.message.contains("moonshine-tiny-en"), "\(error.message)")
        }
    }
}

extension FileDescriptor {
    fileprivate static func makeFolder(_ path: FilePath) throws {
        guard path.withPlatformString({ mkdir($0, 0o755) }) == 0 else { throw Errno(rawValue: errno) }
    }
}
