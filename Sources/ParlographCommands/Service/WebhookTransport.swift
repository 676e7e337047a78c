import Engines
import Inbox

/// Sends webhooks by libcurl, apart from the engines' requests: an answer of theirs takes no room from a transcript.
enum WebhookTransport {
    private static let maximumAnswerBytes = 1 << 20

    /// Why there was no answer, as the end of a sentence. Nothing of the address is in it, which may be a secret.
    private struct Unanswered: Error, CustomStringConvertible {
        let description: String
    }

    /// All of a process share its connections.
    static func sender() -> WebhookSender {
        let loop = CurlLoop(maximumTotalBytes: maximumAnswerBytes)
        return { request in
            do {
                return try await loop.perform(
                    HTTPRequest(
                        url: request.url, headers: request.headers, body: [request.body], timeout: request.timeout)
                ).status
            } catch let failure as HTTPFailure {
                // It was taken; what else the server has to say is too much.
                if failure.excess == .body, failure.status > 0 { return failure.status }
                throw Unanswered(description: "does not answer: \(failure.detail).")
            }
        }
    }
}
