import Engines
import Glibc
import SystemPackage
import SystemSupport
import TestSupport
import Transcription

/// The offline engine with its recognizer as a program by itself, built beside the tests.
enum OfflineEngine {
    static let executable: FilePath = {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let path = FilePath(String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self))
        return path.removingLastComponent().appending("RecognizerFixture")
    }()

    static func make(
        _ settings: OfflineEngineSettings = OfflineEngineSettings(), executable: FilePath = Self.executable,
        idle: Duration = .seconds(30), maximumMemory: UInt64? = nil
    ) -> OfflineTranscriber {
        OfflineTranscriber(settings, executable: executable, idle: idle, maximumMemory: maximumMemory)
    }

    /// An engine whose process is a shell script; the model is the real one, or one that the script does not load.
    static func scripted(
        _ script: String, in folder: FilePath, threads: Int = 1, model: String = OfflineEngineSettings.defaultModel,
        idle: Duration = .seconds(30)
    ) async throws -> OfflineTranscriber {
        let file = folder.appending("recognizer")
        try TestAudioFile.write(Array("#!/bin/sh\n\(script)\n".utf8), to: folder.appending("script"))
        // Made by another process: a program that is open for writing anywhere, as in a child of another test, cannot run.
        try await TestAudioFile.run("install", ["-m", "700", folder.appending("script").string, file.string])
        return make(OfflineEngineSettings(model: model, threads: threads), executable: file, idle: idle)
    }

    /// What such a script says when it has loaded its model.
    static let ready = #"printf 'R\0\0\0\0\0\0\0\0'"#

    /// Loads its model, and hears nothing in anything.
    /// - Parameter dyingAt: bytes of audio at which it dies.
    static func answering(dyingAt bytes: Int = 0) -> String {
        #"""
        printf 'R\0\0\0\0\0\0\0\0'
        while header=$(head -c 9 | od -An -tu1) && [ -n "$header" ]; do
            set -- $header
            count=$(($6 + $7 * 256 + $8 * 65536))
            head -c $count >/dev/null
            [ $count = \#(bytes) ] && kill -9 $$
            call=$(printf %03o $2)
            case $1 in
            72|104) printf "T\\$call\000\000\000\001\000\000\000." ;;
            77) printf "D\\$call\000\000\000\004\000\000\0001000" ;;
            esac
        done
        """#
    }
}
