/// The host part of a URL, for messages and for the question whether it is this machine.
enum HostName {
    /// With its port if the URL has one, without user and password; the whole text when it is no URL.
    static func authority(ofURL url: String) -> String {
        guard let scheme = url.firstRange(of: "://") else { return url }
        let rest = url[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        return String(rest.lastIndex(of: "@").map { rest[rest.index(after: $0)...] } ?? rest)
    }

    /// Has a user, and perhaps a password, before its host.
    static func hasUser(inURL url: String) -> Bool {
        guard let scheme = url.firstRange(of: "://") else { return false }
        return url[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }.contains("@")
    }

    /// Scheme, host, port and path of an address, which may hold secrets in what else it has.
    static func withoutSecrets(_ url: String) -> String {
        let stem = url.prefix { $0 != "?" && $0 != "#" }
        guard let scheme = stem.firstRange(of: "//") else { return String(stem) }
        let rest = stem[scheme.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "\\" }
        let host = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        return "\(stem[..<scheme.upperBound])\(host)\(rest[authority.endIndex...])"
    }

    /// localhost, 127.0.0.0/8 or ::1.
    static func isLoopback(ofURL url: String) -> Bool {
        let authority = authority(ofURL: url).lowercased()
        if authority.hasPrefix("[::1]") { return true }
        let host = authority.prefix { $0 != ":" }
        return host == "localhost" || host.hasSuffix(".localhost") || host.hasPrefix("127.")
    }
}
