import Engines
import Glibc
import SystemPackage
import SystemSupport
import TestSupport
import Testing
import Transcription

/// Case 48: servers that offer HTTP/2 and break it. Against a server in Python that speaks just enough of HTTP/2
/// (RFC 9113) to break it, and HTTP/1.1 to who asks for nothing else.
@Suite(.timeLimit(.minutes(20))) struct HTTP2Tests {
    /// Prints its port, then the protocol of each connection.
    private static let script = #"""
        import socket, ssl, sys, threading
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain("cert.pem", "key.pem")
        context.set_alpn_protocols(["h2", "http/1.1"])
        def frame(kind, stream, payload=b""):
            return len(payload).to_bytes(3, "big") + bytes([kind, 0]) + stream.to_bytes(4, "big") + payload
        def number(n): return n.to_bytes(4, "big")
        def break_http2(connection):
            connection.sendall(frame(4, 0))
            data = b""
            while True:
                more = connection.recv(65536)
                if not more: return
                data += more
                at = 24
                while at + 9 <= len(data):
                    length, kind = int.from_bytes(data[at:at + 3], "big"), data[at + 3]
                    stream = int.from_bytes(data[at + 5:at + 9], "big")
                    if kind == 1:
                        if sys.argv[1] == "RST_STREAM": connection.sendall(frame(3, stream, number(2)))
                        else: connection.sendall(frame(7, 0, number(0) + number(2)))
                        data, at = data[:24], 24
                        break
                    at += 9 + length
        def answer_http1(connection):
            data = b""
            while b"\r\n\r\n" not in data: data += connection.recv(65536)
            head, body = data.split(b"\r\n\r\n", 1)
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            while len(body) < length: body += connection.recv(65536)
            text = b'{"text":"ok","segments":[{"start":0,"end":1,"text":"ok"}]}'
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(text) + text)
        listener = socket.create_server(("127.0.0.1", 0))
        print(listener.getsockname()[1], flush=True)
        def serve(plain):
            try:
                plain.settimeout(600)
                with context.wrap_socket(plain, server_side=True) as connection:
                    print(connection.selected_alpn_protocol(), flush=True)
                    if connection.selected_alpn_protocol() == "h2": break_http2(connection)
                    else: answer_http1(connection)
            except OSError: pass
        while True: threading.Thread(target=serve, args=[listener.accept()[0]], daemon=True).start()
        """#

    @Test(arguments: ["RST_STREAM", "GOAWAY"]) func case48_brokenHTTP2IsReplacedByHTTP1(_ way: String) async throws {
        try await withTemporaryDirectory { folder in
            try TestAudioFile.write(Array(Self.script.utf8), to: folder.appending("server.py"))
            let command =
                "cd \(folder.printable) && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
                + "-subj /CN=h -keyout key.pem -out cert.pem -days 2 2>log && exec timeout 1200 python3 server.py \(way) 2>>log"
            try await ShellCommand.run(command) { server in
                let port = try #require(await server.line().flatMap { Int($0) })
                var settings = OpenAIEngineSettings(
                    name: "cloud", baseURLs: ["https://127.0.0.1:\(port)"], model: "m")
                settings.insecure = true
                settings.requestTimeout = .seconds(600)
                let cloud = try OpenAITranscriber(settings: settings, loop: CurlLoop(), pool: testPool)
                let heard = try await cloud.transcribe(marked(0..<1), options: TranscriptionOptions())
                #expect(heard.segments.map(\.text) == ["ok"])
                #expect(await server.line() == "h2", "libcurl took what was offered")
                _ = try await cloud.transcribe(marked(0..<1), options: TranscriptionOptions())
                kill(server.process, SIGTERM)
                var protocols: [String] = []
                while let name = await server.line() { protocols.append(name) }
                let since = protocols.drop { $0 == "h2" }
                #expect(
                    !since.isEmpty && since.allSatisfy { $0 == "http/1.1" }, "it is not tried again: \(protocols)")
            }
        }
    }
}
