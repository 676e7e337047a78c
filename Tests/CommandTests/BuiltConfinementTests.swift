import Glibc
import TestSupport
import Testing

/// The program as it is built and installed: what its decoders are refused.
@Suite struct BuiltConfinementTests {
    @Test(arguments: ["decoder", "ffmpeg"])
    func theBuiltProgramRefusesEverythingElse(process: String) async throws {
        try await withTemporaryDirectory { folder in
            let arguments = ["__decode", "try", process].map { Array($0.utf8) }
            let trial = try await Program.run(arguments, folder: folder)
            #expect(trial.lines.filter { !$0.hasSuffix(": refused") } == [])
            #expect(trial.lines.count > 150)
            #expect(trial.status == 0)
        }
    }

    @Test func checkTellsOfTheConfinement() async throws {
        try await withTemporaryDirectory { folder in
            let check = try await Workplace(folder).run("check")
            #expect(check.lines.contains { $0.hasPrefix("ok    confinement: ") }, "\(check.lines)")
        }
    }
}
