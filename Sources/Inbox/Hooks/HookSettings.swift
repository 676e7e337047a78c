import FoundationEssentials

/// Who is told when a recording of an inbox was delivered or has failed.
package struct HookSettings: Sendable, Hashable {
    /// A program and its arguments; nil: none.
    package var onDelivered: [String]?
    package var onFailed: [String]?
    /// A program that runs longer is ended, and has failed.
    package var limit = Duration.seconds(300)
    package var webhook: WebhookSettings?

    package init() {}

    func program(for event: HookCall.Event) -> [String]? {
        switch event {
        case .delivered: onDelivered
        case .failed: onFailed
        }
    }

    /// What is to be called.
    package func kinds(for event: HookCall.Event) -> [HookCall.Kind] {
        (program(for: event) == nil ? [] : [.program]) + (webhook == nil ? [] : [.webhook])
    }

    /// Of either event.
    var kinds: Set<HookCall.Kind> { Set(kinds(for: .delivered) + kinds(for: .failed)) }
}

/// `webhook` of an inbox: an address that is told in the way of Standard Webhooks 1.0.0.
package struct WebhookSettings: Sendable, Hashable {
    /// May hold a secret itself; `host` is what may be shown.
    package var url: String
    /// Of the address, with the port if it has one.
    package var host: String
    /// Nil: it cannot be had, for the reason `secretFault`.
    package var secret: WebhookSecret?
    /// In a sentence.
    package var secretFault: String?
    /// `secret_file` as it stands in the configuration.
    package var secretFile: String?
    /// The transcript's text is sent along, as far as there is room.
    package var includesText: Bool

    package init(
        url: String, host: String, secret: WebhookSecret?, secretFault: String? = nil, secretFile: String? = nil,
        includesText: Bool = false
    ) {
        self.url = url
        self.host = host
        self.secret = secret
        self.secretFault = secretFault
        self.secretFile = secretFile
        self.includesText = includesText
    }
}

/// The key that webhooks are signed with; no description, dump or interpolation shows it.
package struct WebhookSecret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    private static let prefix = "whsec_"
    /// Bytes that Standard Webhooks wants a key to have.
    private static let lengths = 24...64

    let key: [UInt8]

    /// - Parameter text: `whsec_` and Base64 of 24 to 64 bytes; nil: it is something else.
    package init?(_ text: String) {
        guard text.hasPrefix(Self.prefix), let key = Data(base64Encoded: String(text.dropFirst(Self.prefix.count))),
            Self.lengths.contains(key.count)
        else { return nil }
        self.key = Array(key)
    }

    package var description: String { "<redacted>" }
    package var debugDescription: String { "<redacted>" }
    package var customMirror: Mirror { Mirror(reflecting: "<redacted>") }
}
