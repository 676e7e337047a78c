import CCurl

extension OpenAITranscriber {
    /// Sends to the address that is best off and, where that one breaks the connection or is going down, to the others,
    /// each once. A kept-alive connection that turns out to be dead is replaced by a fresh one at once.
    /// - Parameter described: gets the host that was asked last.
    /// - Throws: `HTTPFailure` of the last address, `CancellationError`.
    func send(
        _ request: HTTPRequest, described: inout ResponseClassifier.Request
    ) async throws -> HTTPResponse {
        var request = request
        var tried: Set<Int> = []
        while let lease = addresses.take(excluding: tried) {
            tried.insert(lease.address)
            request.url = endpoints[lease.address]
            described.host = HostName.authority(ofURL: request.url)
            do {
                let response = try await performReplacingDeadConnection(request)
                addresses.finish(lease, isHealthy: response.tellsHealth)
                if tried.count == endpoints.count || !response.isOfGoingDown { return response }
            } catch let failure as HTTPFailure {
                addresses.finish(lease, isHealthy: failure.tellsHealth)
                learn(from: failure, url: request.url)
                request.onlyHTTP1 = knowledge.form.onlyHTTP1
                if tried.count == endpoints.count || !failure.isWorthAnotherAddress { throw failure }
            } catch {
                addresses.finish(lease, isHealthy: nil)
                throw error
            }
        }
        throw HTTPFailure(curlCode: CURLE_COULDNT_CONNECT.code, detail: "no address")
    }

    private func performReplacingDeadConnection(_ request: HTTPRequest) async throws -> HTTPResponse {
        do {
            return try await loop.perform(request)
        } catch let failure as HTTPFailure where failure.meansDeadConnection {
            var fresh = request
            fresh.onFreshConnection = true
            return try await loop.perform(fresh)
        }
    }

    private func learn(from failure: HTTPFailure, url: String) {
        switch failure.curlCode {
        case CURLE_HTTP2.code, CURLE_HTTP2_STREAM.code: knowledge.countHTTP2Break(certainly: true)
        case CURLE_SEND_ERROR.code, CURLE_RECV_ERROR.code:
            if url.lowercased().hasPrefix("https:") { knowledge.countHTTP2Break(certainly: false) }
        default: break
        }
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

    fileprivate var tellsHealth: Bool? { isOversized || curlCode == CURLE_ABORTED_BY_CALLBACK.code ? nil : false }

    /// Broken connections; not what would be as wrong elsewhere, nor what took its whole time already.
    fileprivate var isWorthAnotherAddress: Bool {
        switch curlCode {
        case CURLE_COULDNT_CONNECT.code, CURLE_COULDNT_RESOLVE_HOST.code, CURLE_GOT_NOTHING.code,
            CURLE_SEND_ERROR.code, CURLE_RECV_ERROR.code, CURLE_SEND_FAIL_REWIND.code, CURLE_PARTIAL_FILE.code,
            CURLE_SSL_CONNECT_ERROR.code, CURLE_HTTP2.code, CURLE_HTTP2_STREAM.code:
            !isOversized
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
