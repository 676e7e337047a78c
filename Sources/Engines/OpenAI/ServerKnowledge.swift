import Synchronization
import SystemSupport

/// What a transcriber has learned of its server while the program runs.
final class ServerKnowledge: Sendable {
    /// The form of request that the server takes.
    struct Form: Sendable, Hashable {
        var codec: UploadCodec
        var format: ResponseFormat
        var sendsOptionalFields: Bool
        var onlyHTTP1: Bool
    }

    /// Whether the server takes requests of ours, as far as is known.
    enum CredentialStatus: Sendable {
        /// It does: it has transcribed.
        case accepted
        /// It gives its list of models to those whose key it knows, and it gave it to us.
        case listed
        /// It has refused us, or refused something that it may refuse to others only.
        case doubtful
        /// It was asked and did not tell.
        case unknown
    }

    /// What is judged otherwise when it happens to a chunk again.
    enum Trouble: Sendable { case timeout, unprocessable, serverError }

    private struct State {
        var form: Form
        var hasSucceeded = false
        var credentialStatus: CredentialStatus?
        var limits: [String: RateLimit] = [:]
        var serverErrors = 0
        var http2Breaks = 0
        var maximumSamples: Int64?
        var refusedSilence: String?
        var lacksSegments = false
        var refusedLanguages: Set<String> = []
        var isKindTold = false
        var profile: EngineProfile?
        /// Where the server that was first asked at an endpoint has transcribed.
        var workingEndpoints: [String: String] = [:]
        /// Of a few recent chunks only.
        var troubles: [(Trouble, Digest)] = []
    }

    private let state: Mutex<State>

    init(form: Form) { state = Mutex(State(form: form)) }

    var form: Form { state.withLock { $0.form } }
    /// Nil: it was not asked yet.
    var credentialStatus: CredentialStatus? { state.withLock { $0.credentialStatus } }
    /// What the server has said of its limits, by what they count.
    var rateLimits: [String: RateLimit] { state.withLock { $0.limits } }
    var hasSucceeded: Bool { state.withLock { $0.hasSucceeded } }
    /// The greatest length the server named when it refused a longer one.
    var maximumSamples: Int64? { state.withLock { $0.maximumSamples } }

    /// Why the server refused a chunk that was taken for silence then.
    var refusedSilence: String? { state.withLock { $0.refusedSilence } }

    func noteRefusedSilence(_ message: String) { state.withLock { $0.refusedSilence = message } }

    /// An answer without text was made as those are that have no times.
    var lacksSegments: Bool { state.withLock { $0.lacksSegments } }

    func noteLackOfSegments() { state.withLock { $0.lacksSegments = true } }

    /// The server does not know the language by that name.
    func refuses(language: String) -> Bool { state.withLock { $0.refusedLanguages.contains(language) } }

    /// It took another code for each of them.
    func refuse(languages: Set<String>) { state.withLock { $0.refusedLanguages.formUnion(languages) } }

    /// The server has answered something that may tell its kind.
    var isKindTold: Bool { state.withLock { $0.isKindTold } }

    /// What is known of servers of the kind that its answers are of; nil: they are of none in particular.
    var profile: EngineProfile? { state.withLock { $0.profile } }

    /// - Parameter codec: of the settings.
    func remember(_ profile: EngineProfile?, codec: UploadCodec?) {
        state.withLock { state in
            state.isKindTold = true
            guard let profile else { return }
            state.profile = profile
            state.form.codec = codec ?? profile.codec
        }
    }

    /// Where the server answers that was first asked at `endpoint`, as far as is known.
    func endpoint(insteadOf endpoint: String) -> String {
        state.withLock { $0.workingEndpoints[endpoint] ?? endpoint }
    }

    /// The server has transcribed at this very address.
    func hasSucceeded(at endpoint: String) -> Bool { state.withLock { $0.workingEndpoints[endpoint] == endpoint } }

    /// - Parameter url: where the server transcribed that was first asked at `endpoint`.
    func noteSuccess(at url: String, insteadOf endpoint: String) {
        state.withLock { $0.workingEndpoints[endpoint] = url }
    }

    /// A request in this form succeeded: what differs from before was the server's wish.
    func remember(_ form: Form) {
        state.withLock { state in
            state.form.codec = form.codec
            // Another request may have gone further down the ladder meanwhile.
            state.form.format = max(state.form.format, form.format)
            state.form.sendsOptionalFields = state.form.sendsOptionalFields && form.sendsOptionalFields
            state.hasSucceeded = true
            state.credentialStatus = .accepted
            state.serverErrors = 0
        }
    }

    func remember(_ credentialStatus: CredentialStatus) { state.withLock { $0.credentialStatus = credentialStatus } }

    func remember(_ limit: RateLimit, of what: String) { state.withLock { $0.limits[what] = limit } }

    func refuse(longerThan samples: Int64) {
        state.withLock { $0.maximumSamples = min($0.maximumSamples ?? samples, samples) }
    }

    /// True from the second 500 in a row on: the server stumbles over the request, not by chance.
    func countServerError() -> Bool {
        state.withLock { state in
            state.serverErrors += 1
            return state.serverErrors >= 2
        }
    }

    /// From the second break on the server is spoken to in HTTP/1.1.
    func countHTTP2Break(certainly: Bool) {
        state.withLock { state in
            state.http2Breaks += certainly ? 2 : 1
            if state.http2Breaks >= 2 { state.form.onlyHTTP1 = true }
        }
    }

    /// True when this chunk had this trouble before.
    func isRepeated(_ trouble: Trouble, by hash: Digest) -> Bool {
        state.withLock { state in
            if state.troubles.contains(where: { $0 == (trouble, hash) }) { return true }
            state.troubles.append((trouble, hash))
            if state.troubles.count > 64 { state.troubles.removeFirst() }
            return false
        }
    }
}
