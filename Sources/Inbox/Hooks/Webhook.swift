import FoundationEssentials
import SystemSupport

/// A request as it goes to whoever sends webhooks: POST, no redirection followed.
package struct WebhookRequest: Sendable {
    package let url: String
    package let headers: [(name: String, value: String)]
    package let body: [UInt8]
    /// For everything from connecting to the last byte of the answer.
    package let timeout: Duration
}

/// Sends a request and returns the answer's status.
/// - Throws: what says, as the end of a sentence, why there was no answer.
package typealias WebhookSender = @Sendable (WebhookRequest) async throws -> Int

/// Standard Webhooks 1.0.0.
package enum Webhook {
    /// 15 to 30 s are asked for.
    private static let timeout = Duration.seconds(20)

    /// - Parameters:
    ///   - now: seconds since 1970, of the attempt.
    package static func request(
        to url: String, identifier: String, body: [UInt8], secret: WebhookSecret, now: Int64
    ) -> WebhookRequest {
        let signed = Array("\(identifier).\(now).".utf8) + body
        let signature = Data(HMAC.sha256(signed, key: secret.key)).base64EncodedString()
        return WebhookRequest(
            url: url,
            headers: [
                ("Content-Type", "application/json"), ("webhook-id", identifier), ("webhook-timestamp", "\(now)"),
                ("webhook-signature", "v1,\(signature)"),
            ], body: body, timeout: timeout)
    }

    /// - Returns: nil: it was taken.
    static func failure(_ status: Int, host: String) -> HookFailure? {
        switch status {
        case 200..<300: nil
        case 410: HookFailure("The webhook's server \(host) answers that it is gone for good (410).", isGone: true)
        case 300..<400:
            HookFailure("The webhook's server \(host) answered \(status), which is not followed: set the new address.")
        case 401, 403:
            HookFailure(
                "The webhook's server \(host) answered \(status): compare the secret that it has with secret_file.")
        default: HookFailure("The webhook's server \(host) answered \(status).")
        }
    }
}

/// Why a call failed.
struct HookFailure: Error, CustomStringConvertible {
    /// A sentence.
    let description: String
    /// Nobody wants to be called any more.
    let isGone: Bool

    init(_ description: String, isGone: Bool = false) {
        self.description = description
        self.isGone = isGone
    }
}
