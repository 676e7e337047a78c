import CCurl
import Glibc

/// An absolute URL, cut by the parser that the transfer uses: what is shown, compared or kept secret is what is asked.
package struct URLParts: Sendable, Hashable {
    /// In lower case.
    package let scheme: String
    /// As written, percent-encoded; nil: there is none. So are those below.
    let user: String?
    let password: String?
    /// An IPv6 address with its brackets.
    let host: String
    /// Nil where the URL leaves it to the scheme.
    let port: String?
    /// Begins with a slash.
    let path: String
    let query: String?

    /// - Returns: nil when libcurl would take it for no URL; schemes that it does not know are none.
    package init?(_ text: String) {
        guard let handle = curl_url() else { return nil }
        defer { curl_url_cleanup(handle) }
        guard curl_url_set(handle, CURLUPART_URL, text, 0) == CURLUE_OK else { return nil }
        func part(_ part: CURLUPart) -> String? {
            var value: UnsafeMutablePointer<CChar>?
            guard curl_url_get(handle, part, &value, 0) == CURLUE_OK, let value else { return nil }
            defer { curl_free(value) }
            return String(cString: value)
        }
        guard let scheme = part(CURLUPART_SCHEME), let host = part(CURLUPART_HOST), !host.isEmpty else { return nil }
        self.scheme = scheme.lowercased()
        self.host = host
        user = part(CURLUPART_USER)
        password = part(CURLUPART_PASSWORD)
        port = part(CURLUPART_PORT)
        path = part(CURLUPART_PATH) ?? "/"
        query = part(CURLUPART_QUERY)
    }

    /// Host, and port if the URL has one.
    package var authority: String { host + (port.map { ":\($0)" } ?? "") }

    /// localhost, 127.0.0.0/8 or ::1.
    package var isLoopback: Bool {
        let host = host.lowercased()
        if host == "[::1]" || host == "localhost" || host.hasSuffix(".localhost") { return true }
        // A name may begin like an address: 127.example.org.
        var address = in_addr()
        return inet_pton(AF_INET, host, &address) == 1 && withUnsafeBytes(of: address) { $0.first == 127 }
    }
}

extension URLParts {
    /// Host, and port if the URL has one, for messages; of what is no URL as much as may be shown.
    package static func authority(of url: String) -> String { URLParts(url)?.authority ?? withoutSecrets(url) }

    /// Scheme, host, port and path of an address, which may hold secrets in what else it has. Of what is no absolute URL
    /// (a redirection's path alone) what stands before its query, and nothing that may be a password.
    package static func withoutSecrets(_ url: String) -> String {
        if let parts = URLParts(url) { return "\(parts.scheme)://\(parts.authority)\(parts.path)" }
        let stem = url.prefix { $0 != "?" && $0 != "#" }
        return String(stem.lastIndex(of: "@").map { stem[stem.index(after: $0)...] } ?? stem)
    }
}
