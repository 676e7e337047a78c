import Engines
import Glibc
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// `parlograph models`, with the English model under other names.
@Suite(.serialized, .timeLimit(.minutes(20))) struct ModelsTests {
    private static func place(_ folder: FilePath) throws -> Workplace {
        try Workplace(
            folder,
            """
            [engines.offline]
            models_directory = "\(folder.string)/models"
            """)
    }

    /// An archive as upstream's, and one with what an attacker would put in.
    private static func archive(_ model: InstalledModel, in folder: FilePath, more: String = "true") async throws {
        let name = "sherpa-onnx-mine-en"
        try await TestAudioFile.run(
            "sh",
            [
                "-c",
                "cd '\(folder.string)' && mkdir -p \(name)/test_wavs && "
                    + "cp \(model.layout.files.map { "'\(model.folder.string)/\($0)'" }.joined(separator: " ")) \(name)/ && "
                    + "echo no >\(name)/test_wavs/a.wav && echo read me >\(name)/README.md && echo no >\(name)/other.bin && "
                    + "(\(more)) && tar -czf \(name).tar.gz -P \(name) $(cat extra 2>/dev/null)",
            ])
    }

    @Test func anArchiveBecomesAModelThatTranscribesAndCanBeRemoved() async throws {
        let model = try InstalledModel.find(OfflineEngineSettings())
        try await withTemporaryDirectory { folder in
            let place = try Self.place(folder)
            try await Self.archive(
                model, in: folder,
                more: "echo evil >evil.txt; echo ../\(folder.lastComponent?.string ?? "")/evil.txt >extra")
            let added = try await place.run("models", "add", place["sherpa-onnx-mine-en.tar.gz"].string)
            #expect(added.status == 0, "\(added.errors)")
            #expect(added.lines == [place["models/mine-en"].string])
            #expect(added.errors.contains("hashes of mine-en were not known"))
            #expect(
                try place.files("models")
                    == (model.layout.files + ["README.md", "model.toml"]).sorted().map { "mine-en/\($0)" })

            let list = try await place.run("models", "list")
            #expect(list.lines.contains { $0.hasPrefix("installed  mine-en  Moonshine, ") && $0.contains(", en, in ") })
            #expect(list.lines.contains { $0.hasPrefix("available  parakeet-tdt-0.6b-v3  ") })
            let again = try await place.run("models", "add", place["sherpa-onnx-mine-en.tar.gz"].string)
            #expect(again.status == 65 && again.errors.contains("there already"), "\(again.errors)")
            let check = try await place.run("models", "check", "mine-en")
            #expect(check.status == 0 && check.lines.first?.hasPrefix("ok    ") == true, "\(check.lines)")

            try place.write("changed\n", to: "models/mine-en/tokens.txt")
            let damaged = try await place.run("models", "check", "mine-en")
            #expect(damaged.status == 69 && damaged.lines.first?.contains("tokens.txt") == true, "\(damaged.lines)")

            let removed = try await place.run("models", "remove", "mine-en")
            #expect(removed.status == 0, "\(removed.errors)")
            #expect(try place.files("models") == [])
            #expect(try await place.run("models", "remove", "../models").status == 65)
        }
    }

    @Test(arguments: ["truncated", "text", "wrong"]) func whatIsNoModelLeavesNothingBehind(_ kind: String) async throws
    {
        let model = try InstalledModel.find(OfflineEngineSettings())
        try await withTemporaryDirectory { folder in
            let place = try Self.place(folder)
            switch kind {
            case "truncated":
                try await Self.archive(model, in: folder)
                try await TestAudioFile.run("truncate", ["-s", "20M", place["sherpa-onnx-mine-en.tar.gz"].string])
            case "text": try place.write("no archive\n", to: "sherpa-onnx-mine-en.tar.gz")
            default:
                try await Self.archive(
                    model, in: folder, more: "head -c 5000 /dev/zero >sherpa-onnx-mine-en/encoder_model.ort")
            }
            let refused = try await place.run("models", "add", place["sherpa-onnx-mine-en.tar.gz"].string)
            #expect(refused.status == (kind == "wrong" ? 69 : 65), "\(refused.errors)")
            #expect(refused.errors.contains("mine-en"), "\(refused.errors)")
            #expect(try place.files("models") == [])
        }
    }

    @Test func aFolderWithKnownHashesIsComparedWithThem() async throws {
        let model = try InstalledModel.find(OfflineEngineSettings())
        try await withTemporaryDirectory { folder in
            let place = try Self.place(folder)
            try await TestAudioFile.run("cp", ["-r", model.folder.string, place["mine"].string])
            let added = try await place.run("models", "add", place["mine"].string, "--name", "other")
            #expect(added.status == 0 && !added.errors.contains("hashes"), "\(added.errors)")
            try place.write("changed\n", to: "mine/tokens.txt")
            let refused = try await place.run("models", "add", place["mine"].string)
            #expect(refused.status == 65 && refused.errors.contains("tokens.txt"), "\(refused.errors)")
            #expect(!place.exists("models/mine"))
            let unknown = try await place.run("models", "add", "nothing")
            #expect(unknown.status == 65 && unknown.errors.contains("moonshine-tiny-en"), "\(unknown.errors)")
        }
    }

    /// A machine without bzip2 says so, and not that the archive is damaged.
    @Test func whatTakesArchivesApartIsNamedWhereItIsMissing() async throws {
        try await withTemporaryDirectory { folder in
            let place = try Self.place(folder)
            try place.write("BZh91AY", to: "mine-en.tar.bz2")
            let refused = try await place.run(
                "models", "add", place["mine-en.tar.bz2"].string, environment: ["PATH": folder.string])
            #expect(refused.status == 69 && refused.errors.contains("apt install bzip2"), "\(refused.errors)")
            #expect(try place.files("models") == [])
        }
    }

    /// What an engineer finds when something is wrong.
    @Test func whatIsNotInOrderIsSaid() async throws {
        try await withTemporaryDirectory { folder in
            let place = try Self.place(folder)
            let nothing = try await place.run("models", "check", "nemo-ctc-random")
            #expect(
                nothing.status == 69 && nothing.lines.first?.contains("is not installed") == true, "\(nothing.lines)")
            try await RandomModels.make(in: place["made"])
            let small = place["made/\(RandomModels.small)"].string

            // A folder of several, and a folder with the files of several.
            let several = try await place.run("models", "add", place["made"].string)
            #expect(several.status == 65 && several.errors.contains("\(RandomModels.small)"), "\(several.errors)")
            try await TestAudioFile.run("cp", ["-r", small, place["nemo-both"].string])
            try await TestAudioFile.run(
                "sh",
                ["-c", "cp '\(place["made"].string)'/sherpa-onnx-whisper-random/* '\(place["nemo-both"].string)'/"])
            let both = try await place.run("models", "add", place["nemo-both"].string)
            #expect(both.status == 65 && both.errors.contains("more than one model"), "\(both.errors)")
            for name in ["../evil", ".hidden", "", "a/b", "a\u{1B}[2J", String(repeating: "x", count: 250)] {
                let refused = try await place.run("models", "add", small, "--name", name)
                #expect(refused.status == 65 && refused.errors.contains("cannot be the name"), "\(refused.errors)")
            }
            #expect(try place.files("models") == [])

            // One that lost a file is told, not passed over.
            #expect(try await place.run("models", "add", small).status == 0)
            try place.write("", to: "models/\(RandomModels.smallName)/model.onnx")
            let list = try await place.run("models", "list")
            #expect(list.lines.contains { $0.hasPrefix("unusable   \(RandomModels.smallName)  ") }, "\(list.lines)")
            let check = try await place.run("models", "check")
            #expect(check.status == 69 && check.lines.contains { $0.hasPrefix("FAIL") && $0.contains("not whole") })

            // Whose engine it is.
            let engine = ["PARLOGRAPH_ENGINES_OFFLINE_MODEL": RandomModels.smallName]
            let removed = try await place.run("models", "remove", RandomModels.smallName, environment: engine)
            #expect(removed.status == 0 && removed.errors.contains("The engine offline is set to"), "\(removed.errors)")
            let others = try await place.run("models", "remove", "moonshine-tiny-en")
            #expect(
                others.status == 65 && others.errors.contains("not in \(place["models"].string)"), "\(others.errors)")
        }
    }
}
