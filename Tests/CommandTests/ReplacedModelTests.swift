import Engines
import Glibc
import SystemPackage
import SystemSupport
import TestSupport
import Testing

/// A model that is replaced while the service runs.
@Suite(.serialized, .timeLimit(.minutes(20))) struct ReplacedModelTests {
    private static func replaceModel(_ place: Workplace) throws {
        let path = place["models/mine-en"]
        try place.write(try place.text("models/mine-en/tokens.txt") + "\n", to: "models/mine-en/tokens.txt")
        var manifest = try ModelManifest(parsing: try place.text("models/mine-en/model.toml"))
        manifest.files["tokens.txt"] = try InstalledModel.hash(of: path.appending("tokens.txt"))
        try place.write(manifest.text, to: "models/mine-en/model.toml")
    }

    @Test func whatItSaidBeforeIsNotTakenForTheNewOnesText() async throws {
        let model = try InstalledModel.find(OfflineEngineSettings())
        try await withTemporaryDirectory { folder in
            var text = """
                [engines.offline]
                models_directory = "\(folder.string)/models"
                model = "mine-en"

                [[inbox]]
                engine = "offline"
                settle_seconds = 0.2
                formats = ["json"]

                """
            for name in ["inbox", "outbox", "done", "failed", "models"] {
                try Workplace.makeFolder(folder.appending(name))
                if name != "models" { text += "\(name == "inbox" ? "path" : name) = \"\(folder.string)/\(name)\"\n" }
            }
            let place = try Workplace(folder, text)
            try await TestAudioFile.run("cp", ["-r", model.folder.string, place["models/mine-en"].string])
            @Sendable func transcribed(_ name: String) async throws -> Bool {
                try place.writeMarks(0..<3, to: "inbox/\(name).wav")
                try await eventually("\(name) is transcribed") { place.exists("outbox/\(name).json") }
                return try place.text("outbox/\(name).json").filter { !$0.isWhitespace }.contains("\"cache_hits\":0")
            }
            let ended = try await place.start("serve") { process in
                try await process.says("ready")
                #expect(try await transcribed("first"))
                #expect(try await !transcribed("same"))
                try Self.replaceModel(place)
                #expect(try await transcribed("other"))
                process.send(SIGTERM)
                return try await process.end()
            }
            #expect(ended.status == 0, "\(ended.errors)")
        }
    }
}
