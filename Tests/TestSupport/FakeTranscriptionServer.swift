import Glibc
import Synchronization
import SystemPackage
import SystemSupport

/// A transcription server for tests, on a port of its own on this machine, one thread per connection.
///
/// A closure says how each request is answered; every request is recorded as it came. GET requests, which ask for the list
/// of models, have a closure and a record of their own.
package final class FakeTranscriptionServer: Sendable {
    /// A request, as far as it had been read when it was handed on.
    package struct Request: Sendable {
        /// From 0, by arrival.
        package var number: Int
        /// From 0, by connection; and from 0 within the connection.
        package var connection: Int
        package var numberOnConnection: Int
        /// Requests that were being read or answered when it arrived, itself included.
        package var inFlight = 0
        package var method: String
        /// With the query.
        package var path: String
        /// Names in lower case.
        package var headers: [String: String]
        /// Form fields but the file, in their order.
        package var fields: [(name: String, value: String)] = []
        package var fileName = ""
        package var fileType = ""
        package var audio: [UInt8] = []
        /// The body of a request that is no form.
        package var body: [UInt8] = []
        /// The names of all parts, in their order.
        package var partNames: [String] = []

        package func field(_ name: String) -> String? { fields.first { $0.name == name }?.value }
    }

    /// An answer or a misdeed.
    package struct Response: Sendable {
        package enum Ending: Sendable {
            case keepAlive
            /// Closes after the answer without having said so.
            case close
            /// Resets the connection instead of answering (RST).
            case reset
            /// Announces more bytes than it sends.
            case truncated
            /// Sends the header and half the body, then nothing until the server stops.
            case stall
            /// Closes without an answer.
            case nothing
        }

        package var status: Int
        package var headers: [(name: String, value: String)]
        package var body: [UInt8]
        package var ending: Ending
        package var isChunked = false
        /// With a length or in chunks; else the end of the connection ends the body.
        package var isFramed = true
        /// The body is sent in pieces of so many bytes, each a moment later.
        package var drip: Int?
        /// Nothing is sent before it opens.
        package var gate: Gate?

        package init(
            _ status: Int = 200, headers: [(name: String, value: String)] = [], body: [UInt8] = [],
            ending: Ending = .keepAlive, gate: Gate? = nil
        ) {
            self.status = status
            self.headers = headers
            self.body = body
            self.ending = ending
            self.gate = gate
        }

        package init(
            _ status: Int = 200, headers: [(name: String, value: String)] = [], text: String,
            ending: Ending = .keepAlive, gate: Gate? = nil
        ) {
            self.init(status, headers: headers, body: Array(text.utf8), ending: ending, gate: gate)
        }
    }

    /// What to do when only the header was read.
    package enum Early: Sendable {
        /// Read the body, then ask the script.
        case readBody
        /// Answer at once and close without reading on.
        case answer(Response)
        /// Read so many bytes of the body, then reset.
        case reset(afterBytes: Int)
        /// Read nothing more until the server stops.
        case stall
    }

    /// Holds answers back until it is opened; opens by itself when a test forgot it for half a minute.
    package final class Gate: Sendable {
        private let signal = ThreadSignal()
        package init() {}
        package func open() { signal.signal() }
        fileprivate func wait() {
            // Handed on, so that everybody behind the gate passes. The limit is a guard against hanging only.
            if signal.wait(seconds: 1_200) { signal.signal() }
        }
    }

    private struct State {
        var requests: [Request] = []
        var questions: [Request] = []
        var connections: [CInt] = []
        var arrived = 0
        var accepted = 0
        var inFlight = 0
        var maximumInFlight = 0
        var isStopped = false
        var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let listener: CInt
    package let port: UInt16
    private let script: @Sendable (Request) -> Response
    private let early: @Sendable (Request) -> Early
    private let models: @Sendable (Request) -> Response
    private let state = Mutex(State())
    private let stopping = Gate()

    /// - Parameters:
    ///   - early: asked with the header of each request.
    ///   - models: asked with each GET request.
    ///   - script: asked with the whole request.
    package init(
        early: @escaping @Sendable (Request) -> Early = { _ in .readBody },
        models: @escaping @Sendable (Request) -> Response = { _ in Response(404, text: "not found") },
        script: @escaping @Sendable (Request) -> Response
    ) throws {
        self.script = script
        self.early = early
        self.models = models
        listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = self.listener
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic -> CInt in
                guard bind(listener, generic, length) == 0, listen(listener, 128) == 0 else { return -1 }
                return getsockname(listener, generic, &length)
            }
        }
        guard status == 0 else { throw SystemError("bind", errno: Errno(rawValue: errno)) }
        port = UInt16(bigEndian: address.sin_port)
        Thread.start(name: "fake-accept") { [self] in acceptAll() }
    }

    /// `http://127.0.0.1:PORT`.
    package var url: String { "http://127.0.0.1:\(port)" }
    /// In the order of arrival; those whose body did not come are missing.
    package var requests: [Request] { state.withLock { $0.requests } }
    /// The GET requests.
    package var questions: [Request] { state.withLock { $0.questions } }
    /// Requests that were being read or answered at the same time.
    package var maximumInFlight: Int { state.withLock { $0.maximumInFlight } }
    /// Connections that were accepted.
    package var connectionCount: Int { state.withLock { $0.accepted } }

    /// Returns when `count` requests have arrived, header at least.
    package func arrived(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.arrived >= count { return true }
                state.waiters.append((count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    /// Closes all connections; the threads end.
    package func stop() {
        let connections = state.withLock { state -> [CInt]? in
            // A second time the descriptor may be somebody else's.
            guard !state.isStopped else { return nil }
            state.isStopped = true
            return state.connections
        }
        guard let connections else { return }
        shutdown(listener, CInt(SHUT_RDWR))
        for connection in connections { shutdown(connection, CInt(SHUT_RDWR)) }
        stopping.open()
    }

    private func acceptAll() {
        while true {
            let connection = accept(listener, nil, nil)
            if connection < 0, errno == EINTR || errno == ECONNABORTED { continue }
            let number = state.withLock { state -> Int? in
                guard connection >= 0, !state.isStopped else { return nil }
                state.connections.append(connection)
                state.accepted += 1
                return state.accepted - 1
            }
            guard let number else {
                if connection >= 0 { close(connection) }
                close(listener)
                return
            }
            Thread.start(name: "fake-serve", stackBytes: 512 << 10) { [self] in
                serve(FakeConnection(connection), number: number)
                state.withLock { $0.connections.removeAll { $0 == connection } }
                close(connection)
            }
        }
    }

    private func serve(_ connection: FakeConnection, number: Int) {
        var onConnection = 0
        while var request = connection.readHeader() {
            request.connection = number
            if request.method == "GET" {
                let question = request
                state.withLock { $0.questions.append(question) }
                guard answer(connection, models(question)) else { return }
                continue
            }
            request.numberOnConnection = onConnection
            onConnection += 1
            let waiting = state.withLock { state in
                request.number = state.arrived
                state.arrived += 1
                state.inFlight += 1
                state.maximumInFlight = max(state.maximumInFlight, state.inFlight)
                request.inFlight = state.inFlight
                defer { state.waiters.removeAll { $0.count <= state.arrived } }
                return state.waiters.filter { $0.count <= state.arrived }
            }
            defer { state.withLock { $0.inFlight -= 1 } }
            for waiter in waiting { waiter.continuation.resume() }

            switch early(request) {
            case .answer(let response):
                _ = answer(connection, response)
                shutdown(connection.descriptor, CInt(SHUT_WR))
                connection.skip(64 << 20)
                return
            case .reset(let count):
                connection.skip(count)
                return connection.reset()
            case .stall: return stopping.wait()
            case .readBody: break
            }
            guard connection.readBody(of: &request) else { return }
            let complete = request
            state.withLock { $0.requests.append(complete) }
            guard answer(connection, script(request)) else { return }
        }
    }

    /// False when the connection ends with this answer.
    private func answer(_ connection: FakeConnection, _ response: Response) -> Bool {
        response.gate?.wait()
        switch response.ending {
        case .reset:
            connection.reset()
            return false
        case .nothing: return false
        case .keepAlive, .close, .truncated, .stall: break
        }
        var head = "HTTP/1.1 \(response.status) Status\r\n"
        for header in response.headers { head += "\(header.name): \(header.value)\r\n" }
        if !response.isFramed {
            head += "Connection: close\r\n"
        } else if response.isChunked {
            head += "Transfer-Encoding: chunked\r\n"
        } else {
            let announced = response.body.count + (response.ending == .truncated ? 100 : 0)
            head += "Content-Length: \(announced)\r\n"
        }
        guard connection.send(Array((head + "\r\n").utf8)) else { return false }
        if response.ending == .stall {
            _ = connection.send(Array(response.body.prefix(response.body.count / 2)))
            stopping.wait()
            return false
        }
        let size = response.drip ?? (response.isChunked ? 7 : max(1, response.body.count))
        for start in stride(from: 0, to: response.body.count, by: size) {
            let piece = Array(response.body[start..<min(start + size, response.body.count)])
            let framed =
                response.isChunked
                ? Array("\(String(piece.count, radix: 16))\r\n".utf8) + piece + Array("\r\n".utf8) : piece
            guard connection.send(framed) else { return false }
            if response.drip != nil { usleep(2000) }
        }
        if !response.isFramed || response.ending == .truncated { return false }
        if response.isChunked, !connection.send(Array("0\r\n\r\n".utf8)) { return false }
        return response.ending == .keepAlive
    }
}
