/// The host part of a URL, for messages and for the question whether it is this machine.
enum HostName {
    /// With its port if the URL has one, without user and password; the whole text when it is no URL.
    static func authority(ofURL url: String) -> String {
        guard let scheme = url.firstRange(of: "://") else { return url }
        let rest = url[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        return String(rest.lastIndex(of: "@").map { rest[rest.index(after: $0)...] } ?? rest)
    }

    /// localhost, 127.0.0.0/8 or ::1.
    static func isLoopback(ofURL url: String) -> Bool {
        let authority = authority(ofURL: url).lowercased()
        if authority.hasPrefix("[::1]") { return true }
        let host = authority.prefix { $0 != ":" }
        return host == "localhost" || host.hasSuffix(".localhost") || host.hasPrefix("127.")
    }
}
