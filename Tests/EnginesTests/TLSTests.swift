import Engines
import Glibc
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import Transcription

/// Case 46: who is believed. Against `openssl s_server`, which takes one connection and ends.
@Suite(.timeLimit(.minutes(20))) struct TLSTests {
    /// Runs `body` with the address of a server whose certificate is for `host`, and the authority's PEM file.
    private func withServer(
        certifiedFor host: String, days: Int = 2, _ body: (String, FilePath) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { folder in
            let path = folder.printable
            let authority =
                "cd \(path) && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=TestCA "
                + "-addext basicConstraints=critical,CA:TRUE -keyout ca.key -out ca.pem -days 2 2>log"
            let request =
                "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=\(host) -keyout key.pem "
                + "-out request.pem 2>>log"
            let sign =
                "echo subjectAltName=\(host == "127.0.0.1" ? "IP" : "DNS"):\(host) > ext && "
                + "openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -extfile ext -days \(days) "
                + "-out cert.pem 2>>log"
            let status = await testPool.run { system("\(authority) && \(request) && \(sign)") }
            try #require(status == 0)
            let serve =
                "cd \(path) && exec timeout 1200 openssl s_server -accept 127.0.0.1:0 -naccept 1 -www -cert cert.pem "
                + "-key key.pem 2>&1 </dev/null"
            try await ShellCommand.run(serve) { server in
                var port: Int?
                while port == nil {
                    let line = try #require(await server.line(), "it ended before it listened")
                    guard line.hasPrefix("ACCEPT"), let colon = line.lastIndex(of: ":") else { continue }
                    port = Int(line[line.index(after: colon)...].prefix(while: \.isNumber))
                }
                try await body("https://127.0.0.1:\(try #require(port))", folder.appending("ca.pem"))
            }
        }
    }

    private func engine(_ url: String, caFile: FilePath? = nil) throws -> OpenAITranscriber {
        var settings = OpenAIEngineSettings(name: "cloud", baseURLs: [url], model: "m")
        settings.caFile = caFile
        settings.requestTimeout = .seconds(600)
        return try OpenAITranscriber(settings: settings, loop: CurlLoop(), pool: testPool)
    }

    @Test func case46_unknownAuthorityIsRefusedWithAdvice() async throws {
        try await withServer(certifiedFor: "127.0.0.1") { url, _ in
            let cloud = try engine(url)
            let error = await transcriptionError { try await cloud.check() }
            #expect(error?.remedy == .giveUpRecording && error?.code == .engineUnavailable)
            #expect(error?.message.contains("ca_file of [engines.cloud]") == true)
        }
    }

    @Test func case46_theNamedAuthorityIsBelieved() async throws {
        try await withServer(certifiedFor: "127.0.0.1") { url, ca in
            let descriptor = try FileDescriptor.open(ca, .readOnly)
            defer { try? descriptor.close() }
            var bytes = [UInt8](repeating: 0, count: 1 << 16)
            let count = try bytes.withUnsafeMutableBytes { try descriptor.read(into: $0) }
            let trust = TLSTrust(authorities: Array(bytes.prefix(count)))
            let response = try await CurlLoop().perform(HTTPRequest(url: url, timeout: .seconds(600), trust: trust))
            #expect(response.status == 200)
        }
    }

    @Test func case46_wrongHostIsRefused() async throws {
        try await withServer(certifiedFor: "other.example") { url, ca in
            let cloud = try engine(url, caFile: ca)
            let error = await transcriptionError { try await cloud.check() }
            #expect(error?.remedy == .giveUpRecording)
            #expect(error?.message.contains("certificate that is for another name") == true)
            #expect(error?.message.contains("ca_file") == false)
        }
    }

    @Test func case46_expiredIsRefused() async throws {
        try await withServer(certifiedFor: "127.0.0.1", days: -1) { url, ca in
            let cloud = try engine(url, caFile: ca)
            let error = await transcriptionError { try await cloud.check() }
            #expect(error?.remedy == .giveUpRecording && error?.code == .engineUnavailable)
            #expect(error?.message.contains("expired") == true)
        }
    }

    @Test func case46_insecureBelievesAnyone() async throws {
        try await withServer(certifiedFor: "other.example") { url, _ in
            let request = HTTPRequest(url: url, timeout: .seconds(600), trust: TLSTrust(isDisabled: true))
            let response = try await CurlLoop().perform(request)
            #expect(response.status == 200)
        }
    }

    /// It is to be made anew with what is in it now.
    @Test func anEngineKnowsThatItsCAFileWasReplaced() async throws {
        try await withTemporaryDirectory { folder in
            let file = folder.appending("ca.pem")
            try TestAudioFile.write(Array("-----BEGIN CERTIFICATE-----".utf8), to: file)
            let cloud = try engine("https://127.0.0.1:1", caFile: file)
            #expect(cloud.isCurrent)
            try TestAudioFile.write(Array("-----BEGIN CERTIFICATE-----\n".utf8), to: file)
            #expect(!cloud.isCurrent)
            #expect(unlink(file.string) == 0)
            #expect(cloud.isCurrent, "it goes on with what it has")
        }
    }

    @Test func aCAFileThatIsNoneIsAnErrorAtOnce() async throws {
        try await withTemporaryDirectory { folder in
            let missing = #expect(throws: TranscriptionError.self) {
                try engine("https://127.0.0.1:1", caFile: folder.appending("none.pem"))
            }
            #expect(missing?.code == .configuration)
            #expect(missing?.message.contains("ca_file of [engines.cloud]") == true)
        }
    }
}
