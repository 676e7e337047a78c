import CCurl
import Transcription

extension OpenAITranscriber {
    /// Sends to the address that is best off and, where the fault is that address's, to the others, each once. What a
    /// server says of the request itself is asked of one other that answers. How an address fared is known when its
    /// answer was understood.
    /// - Returns: the transcript, or the refusal that leaves most hope.
    /// - Throws: `CancellationError`.
    func ask(
        _ request: HTTPRequest, turn: RequestContext, described: ResponseClassifier.Request,
        understand: (HTTPResponse, ResponseClassifier.Request) async -> Answer
    ) async throws -> Answer {
        var (request, described) = (request, described)
        var tried: Set<Int> = []
        var refusals: [Refusal] = []
        var suspects: [AddressPool.Lease] = []
        var wasSent = false
        while let lease = addresses.take(excluding: tried, onlyHealthy: !suspects.isEmpty) {
            do {
                if wasSent { try await turn.again() }
            } catch {
                addresses.finish(lease, isHealthy: nil)
                throw error
            }
            tried.insert(lease.address)
            request.url = knowledge.endpoint(insteadOf: endpoints[lease.address])
            request.onlyHTTP1 = knowledge.form.onlyHTTP1
            described.host = URLParts.authority(of: request.url)
            described.url = URLParts.withoutSecrets(request.url)
            described.proxyVariable = ProxyVariable.name(forURL: request.url, in: ProxyVariable.environment)
            var refusal: Refusal
            do {
                let (response, url) = try await performWhereItIsKnown(request, lease.address, turn)
                described.url = URLParts.withoutSecrets(url)
                learn(response.headers, turn)
                // Others may have been answered meanwhile.
                described.hasSucceeded = knowledge.hasSucceeded
                switch await understand(response, described) {
                case .heard(let transcript):
                    knowledge.noteSuccess(at: url, insteadOf: endpoints[lease.address])
                    addresses.finish(lease, isHealthy: true)
                    for suspect in suspects { addresses.blame(suspect) }
                    return .heard(transcript)
                case .refused(let refused): refusal = refused
                }
                wasSent = true
            } catch let failure as HTTPFailure {
                refusal = Refusal(classifier.classify(failure, to: described), failure: failure)
                wasSent = failure.wasSent
                if failure.wasSent { turn.noteTaken() }
            } catch {
                addresses.finish(lease, isHealthy: nil)
                throw error
            }
            let fault = refusal.fault
            if endpoints.count > 1, let pause = refusal.pause {
                addresses.pause(lease, for: pause)
                addresses.finish(lease, isHealthy: nil)
            } else {
                addresses.finish(lease, isHealthy: fault == .noAddressFault || fault == .requestFault ? nil : false)
            }
            switch fault {
            case .noAddressFault, .costlyAddressFault: return .refused(refusal)
            case .requestFault where !suspects.isEmpty: return .refused(refusal)
            case .requestFault: suspects.append(lease)
            case .addressFault: break
            }
            refusals.append(refusal)
        }
        return .refused(foremost(of: refusals, haveAllSpoken: tried.count == endpoints.count))
    }

    /// - Parameter haveAllSpoken: false: some address was left alone, since it asked for that or has failed before.
    private func foremost(of refusals: [Refusal], haveAllSpoken: Bool) -> Refusal {
        guard var foremost = refusals.min(by: { $0.hopelessness < $1.hopelessness }) else {
            let nowhere = HTTPFailure(curlCode: CURLE_COULDNT_CONNECT.code, detail: "no address")
            let described = ResponseClassifier.Request(host: endpointHost, sampleCount: 0)
            return Refusal(classifier.classify(nowhere, to: described), failure: nowhere)
        }
        // Who asked for a pause will answer after it, whatever the others said.
        let error = foremost.verdict.error
        let isWaitedFor = error.pressure == .refused ? foremost.pause != nil : error.remedy != .giveUpChunk
        if endpoints.count > 1, isWaitedFor, error.remedy.isRetry || !haveAllSpoken, let pause = addresses.minimumPause
        {
            foremost.verdict.error = TranscriptionError(
                error.code, error.message, cause: error.cause, remedy: .retry(after: pause), pressure: .refused)
        }
        return foremost
    }

    /// A server of whisper.cpp, as its settings or its answer say, that has not transcribed where its settings have it, and
    /// knows nothing of the address that it is asked at, is asked once at the others that it may have.
    /// - Returns: its answer, and whose it is. Which address is the right one is known when the answer was understood.
    private func performWhereItIsKnown(
        _ request: HTTPRequest, _ address: Int, _ turn: RequestContext
    ) async throws -> (HTTPResponse, url: String) {
        let first = try await performOnSoundConnection(request, turn)
        guard first.status == 404, !knowledge.hasSucceeded(at: endpoints[address]),
            profile.name == .whisperCpp || EngineProfile.guess(header: first.headers["server"]) == .whisperCpp
        else { return (first, request.url) }
        var other = request
        for url in [endpoints[address]] + otherEndpoints[address] where url != request.url {
            try await turn.again()
            other.url = url
            let response = try await performOnSoundConnection(other, turn)
            guard response.status == 404 || response.status == 405 else { return (response, url) }
        }
        return (first, request.url)
    }

    /// Replaces at once what needs no waiting: a kept-alive connection that turns out to be dead by a fresh one, a broken
    /// HTTP/2 by HTTP/1.1.
    private func performOnSoundConnection(_ request: HTTPRequest, _ turn: RequestContext) async throws -> HTTPResponse {
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
    func learn(_ headers: HTTPHeaders, _ turn: RequestContext) {
        for (what, limit) in RateLimit.all(in: headers) { knowledge.remember(limit, of: what) }
        // Each address of a pool has its own.
        if endpoints.count == 1, let allowance = RateLimit.allowance(in: headers) { turn.report(allowance) }
    }
}

extension OpenAITranscriber {
    /// What a server made of a request.
    enum Answer {
        case heard(ChunkTranscript)
        case refused(Refusal)
    }

    /// An answer without a transcript, or none at all.
    struct Refusal {
        /// Whose fault it seems to be.
        enum Fault {
            /// The address's: another one is asked instead.
            case addressFault
            /// The address's, but it may have cost something, and the same may come of it elsewhere.
            case costlyAddressFault
            /// The request's, as this server says.
            case requestFault
            /// Of the request for certain, or of nobody.
            case noAddressFault
        }

        /// A longer pause holds back nothing but the request that it was said to.
        private static let maximumPause = Duration.seconds(900)

        var verdict: ResponseClassifier.Verdict
        /// Of the answer; 0: there was none.
        let status: Int
        private let failure: HTTPFailure?

        init(_ verdict: ResponseClassifier.Verdict, status: Int) {
            (self.verdict, self.status, failure) = (verdict, status, nil)
        }

        init(_ verdict: ResponseClassifier.Verdict, failure: HTTPFailure) {
            (self.verdict, status, self.failure) = (verdict, 0, failure)
        }

        /// The server took the request and was too slow. Not where it could not even be connected to: shorter chunks do
        /// not help there.
        var isSlowness: Bool {
            failure.map { $0.isTimeout && $0.wasSent } ?? (status == 504 || status == 524)
        }

        /// What the server asked for on account of its load; nil where it named none, or one that nobody waits for.
        var pause: Duration? {
            guard verdict.error.pressure == .refused, case .retry(let after?) = verdict.error.remedy, after > .zero,
                after <= Self.maximumPause
            else { return nil }
            return after
        }

        var fault: Fault {
            if let failure { return failure.fault }
            let error = verdict.error
            if verdict.transform != nil, verdict.transform != .withoutOptionalFields, status < 500 {
                return .noAddressFault
            }
            if case .split = error.remedy { return .noAddressFault }
            if error.pressure == .refused || error.remedy == .giveUpRecording { return .addressFault }
            switch status {
            // What is no transcript, whisper.cpp's word for every failure, a proxy that lost its server.
            case 200..<300, 404, 502: return .addressFault
            case 408, 500...: return .costlyAddressFault
            default: return error.remedy.isRetry ? .noAddressFault : .requestFault
            }
        }

        /// Of several refusals of one request the one with the least is told.
        fileprivate var hopelessness: Int {
            let isOfLoad = verdict.error.pressure == .refused
            return switch verdict.error.remedy {
            case .split: 0
            case .retry(after: nil) where isOfLoad: 1
            case .retry where pause != nil: 2
            case .retry: isOfLoad ? 4 : 3
            case .giveUpChunk: 5
            case .giveUpRecording: 6
            }
        }
    }
}

extension HTTPFailure {
    fileprivate var isTimeout: Bool { curlCode == CURLE_OPERATION_TIMEDOUT.code }

    fileprivate var isHTTP2Break: Bool { curlCode == CURLE_HTTP2.code || curlCode == CURLE_HTTP2_STREAM.code }

    fileprivate var mayBeHTTP2Break: Bool { curlCode == CURLE_SEND_ERROR.code || curlCode == CURLE_RECV_ERROR.code }

    /// Not what took its whole time already, nor what would be the same elsewhere.
    fileprivate var fault: OpenAITranscriber.Refusal.Fault {
        if excess != nil || curlCode == CURLE_ABORTED_BY_CALLBACK.code { return .noAddressFault }
        return isTimeout && wasSent ? .costlyAddressFault : .addressFault
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
