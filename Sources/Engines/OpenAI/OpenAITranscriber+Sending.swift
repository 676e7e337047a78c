import CCurl
import Transcription

extension OpenAITranscriber {
    /// Sends to the address that is best off and, where that one breaks the connection or is going down, to the others,
    /// each once.
    /// - Parameter described: gets the host that was asked last.
    /// - Throws: `HTTPFailure` of the last address, `CancellationError`.
    func send(
        _ request: HTTPRequest, turn: RequestTurn, described: inout ResponseClassifier.Request
    ) async throws -> HTTPResponse {
        var request = request
        var tried: Set<Int> = []
        var wasSent = false
        while let lease = addresses.take(excluding: tried) {
            do {
                if wasSent { try await turn.again() }
            } catch {
                addresses.finish(lease, isHealthy: nil)
                throw error
            }
            tried.insert(lease.address)
            request.url = endpoints[lease.address]
            described.host = HostName.authority(ofURL: request.url)
            described.url = HostName.withoutSecrets(request.url)
            described.proxyVariable = ProxyVariable.name(forURL: request.url, in: ProxyVariable.environment)
            do {
                let response = try await performOnSoundConnection(request, turn)
                wasSent = true
                addresses.finish(lease, isHealthy: response.tellsHealth)
                if tried.count == endpoints.count || !response.isOfGoingDown { return response }
            } catch let failure as HTTPFailure {
                addresses.finish(lease, isHealthy: failure.tellsHealth)
                wasSent = failure.wasSent
                request.onlyHTTP1 = knowledge.form.onlyHTTP1
                if tried.count == endpoints.count || !failure.isWorthAnotherAddress { throw failure }
            } catch {
                addresses.finish(lease, isHealthy: nil)
                throw error
            }
        }
        throw HTTPFailure(curlCode: CURLE_COULDNT_CONNECT.code, detail: "no address")
    }

    /// Replaces at once what needs no waiting: a kept-alive connection that turns out to be dead by a fresh one, a broken
    /// HTTP/2 by HTTP/1.1.
    private func performOnSoundConnection(_ request: HTTPRequest, _ turn: RequestTurn) async throws -> HTTPResponse {
        var sound = request
        do {
            return try await performWatchingHTTP2(request)
        } catch let failure as HTTPFailure where failure.isHTTP2Break && !request.onlyHTTP1 {
            knowledge.countHTTP2Break(certainly: true)
            sound.onlyHTTP1 = true
            try await turn.again()
        } catch let failure as HTTPFailure where failure.meansDeadConnection {
            sound.onFreshConnection = true
        }
        return try await performWatchingHTTP2(sound)
    }

    /// Connections that break twice make HTTP/2 suspect: some proxies reset them instead of speaking it.
    private func performWatchingHTTP2(_ request: HTTPRequest) async throws -> HTTPResponse {
        do {
            return try await loop.perform(request)
        } catch let failure as HTTPFailure {
            if failure.mayBeHTTP2Break, request.url.lowercased().hasPrefix("https:") {
                knowledge.countHTTP2Break(certainly: false)
            }
            throw failure
        }
    }
}

extension OpenAITranscriber {
    /// Takes up what an answer tells of the server's limits.
    func learn(_ headers: HTTPHeaders, _ turn: RequestTurn) {
        for (what, limit) in RateLimit.all(in: headers) { knowledge.note(limit, of: what) }
        // Each address of a pool has its own.
        if endpoints.count == 1, let allowance = RateLimit.allowance(in: headers) { turn.note(allowance) }
    }
}

extension HTTPResponse {
    /// Nil where the answer says more about the request than about the server.
    fileprivate var tellsHealth: Bool? {
        switch status {
        case 500...: false
        case 400..<500: nil
        default: true
        }
    }

    /// A proxy that lost its server, or a server that is starting, stopping or full.
    fileprivate var isOfGoingDown: Bool { status == 502 || status == 503 }
}

extension HTTPFailure {
    var isTimeout: Bool { curlCode == CURLE_OPERATION_TIMEDOUT.code }

    fileprivate var isHTTP2Break: Bool { curlCode == CURLE_HTTP2.code || curlCode == CURLE_HTTP2_STREAM.code }

    fileprivate var mayBeHTTP2Break: Bool { curlCode == CURLE_SEND_ERROR.code || curlCode == CURLE_RECV_ERROR.code }

    fileprivate var tellsHealth: Bool? { excess != nil || curlCode == CURLE_ABORTED_BY_CALLBACK.code ? nil : false }

    /// Broken connections; not what would be as wrong elsewhere, nor what took its whole time already.
    fileprivate var isWorthAnotherAddress: Bool {
        switch curlCode {
        case CURLE_COULDNT_CONNECT.code, CURLE_COULDNT_RESOLVE_HOST.code, CURLE_GOT_NOTHING.code,
            CURLE_SEND_ERROR.code, CURLE_RECV_ERROR.code, CURLE_SEND_FAIL_REWIND.code, CURLE_PARTIAL_FILE.code,
            CURLE_SSL_CONNECT_ERROR.code, CURLE_HTTP2.code, CURLE_HTTP2_STREAM.code:
            excess == nil
        case CURLE_OPERATION_TIMEDOUT.code: !wasSent
        default: false
        }
    }

    /// The server had closed the connection before it saw the request.
    fileprivate var meansDeadConnection: Bool {
        wasReused && receivedByteCount == 0
            && [CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_SEND_FAIL_REWIND].contains {
                $0.code == curlCode
            }
    }
}

extension CURLcode {
    /// As `HTTPFailure` holds it.
    fileprivate var code: Int32 { Int32(bitPattern: rawValue) }
}
