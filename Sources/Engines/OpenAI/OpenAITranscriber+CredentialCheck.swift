import SystemSupport
import Transcription

extension OpenAITranscriber {
    /// Long enough for a list; a server that is slower than that is not asked for it.
    private static var patienceForModels: Duration { .seconds(3) }

    /// How long the others wait, once the first request has gone out as a whole, for the server to refuse it; nil: until it
    /// is answered. A server that refuses a key does so when it has read the request, or before; some ask another service
    /// first. Until a transcription was accepted nothing else tells that a key may have one: keys can be restricted.
    var timeToBeRefused: Duration? {
        switch knowledge.credentialStatus {
        case .doubtful: nil
        case .accepted: .zero
        // Without a key only the address can be wrong.
        case _ where headers.isEmpty: .milliseconds(300)
        // The key is one: what it may not do is known without asking elsewhere.
        case .listed: .seconds(5)
        case .unknown, nil: .seconds(10)
        }
    }

    /// Finds out, before the first audio goes to a server, what it makes of our key. It is asked for its list of models:
    /// with the key and, where that is granted and the server is not known to guard the list, without. Only a list that is
    /// refused without the key proves anything.
    /// - Throws: `TranscriptionError` where it says in so many words that the key is wrong.
    func askWhetherWelcome(_ turn: RequestContext) async throws {
        guard turn.isFirst else { return }
        if knowledge.credentialStatus == nil { knowledge.remember(try await credentialStatus()) }
        if knowledge.credentialStatus == .accepted { turn.letOthersFollow(after: .zero) }
    }

    private func credentialStatus() async throws -> ServerKnowledge.CredentialStatus {
        guard endpoints.count == 1, !headers.isEmpty, let url = EndpointURL.models(endpoint: endpoints[0]) else {
            return .unknown
        }
        switch try await models(url, headers) {
        case .refused(let response):
            guard ServerMessage(body: response.body).code == "invalid_api_key" else { return .doubtful }
            let described = ResponseClassifier.Request(host: endpointHost, sampleCount: 0)
            throw classifier.classify(response, to: described, now: 0).error
        case .none: return .unknown
        case .list:
            if profile.guardsModels { return .listed }
            if case .refused = try await models(url, []) { return .listed }
            return .unknown
        }
    }

    /// Finds out once, where neither setting nor address tells the kind of server, by what it answers to who asks for its
    /// models: that costs nothing anywhere. One that cannot be reached, or does not answer yet, is asked another time; one
    /// behind https, or with a key, is not asked, so that a wrong key is shown once only.
    package func meet() async {
        guard isUnknown, let url = EndpointURL.models(endpoint: endpoints[0]) else { return }
        _ = try? await models(url, [])
    }

    private var isUnknown: Bool {
        settings.profile == nil && usualProfile.name == .generic && headers.isEmpty && !knowledge.isKindTold
            && endpoints[0].lowercased().hasPrefix("http:")
    }

    /// Of servers that have no list of models, or none that is asked for so.
    private static let statusesWithoutModels: Set<Int> = [404, 405, 501]

    /// What a proxy says while the server starts, or who is too busy to answer, tells nothing of the server.
    /// - Parameter list: of an answer with status 200 that is JSON.
    private func recognise(_ response: HTTPResponse, _ list: JSONValue?) {
        guard isUnknown else { return }
        let name = EngineProfile.guess(header: response.headers["server"]) ?? list.flatMap(EngineProfile.guess(models:))
        guard name != nil || list != nil || Self.statusesWithoutModels.contains(response.status) else { return }
        knowledge.remember(name.map(settings.profile(of:)), codec: settings.uploadCodec)
    }

    /// What a server says to who asks for its models.
    enum ModelsAnswer {
        /// Their names.
        case list([String])
        case refused(HTTPResponse)
        /// It has no such list, or does not say.
        case none
    }

    /// - Throws: `TranscriptionError` where the server is not to be trusted, `CancellationError`.
    func models(_ url: String, _ headers: [Field]) async throws -> ModelsAnswer {
        let request = HTTPRequest(
            url: url, headers: headers, timeout: min(settings.requestTimeout ?? .seconds(60), Self.patienceForModels),
            trust: trust, onlyHTTP1: knowledge.form.onlyHTTP1)
        do {
            let response = try await loop.perform(request)
            let value = response.status == 200 ? await pool.run { try? JSONReader.read(response.body) } : nil
            recognise(response, value)
            switch response.status {
            case 401, 403: return .refused(response)
            case 200:
                guard let value, let list = value["data"]?.array ?? value.array else { return .none }
                return .list(list.compactMap { $0["id"]?.string ?? $0["name"]?.string ?? $0.string })
            default: return .none
            }
        } catch let failure as HTTPFailure {
            let error = classifier.classify(
                failure, to: ResponseClassifier.Request(host: endpointHost, sampleCount: 0)
            ).error
            if error.remedy == .giveUpRecording { throw error }
            return .none
        }
    }
}
