import CCurl
import Glibc

extension ResponseClassifier {
    func proxyAdvice(_ request: Request) -> String {
        "The proxy is the cause, not \(section): correct \(request.proxyVariable ?? "https_proxy") in the environment, "
            + "or name this host in no_proxy."
    }
}

extension HTTPFailure {
    /// It did not come farther than to the proxy.
    func isProxyFault(_ request: ResponseClassifier.Request) -> Bool {
        switch CURLcode(rawValue: UInt32(bitPattern: curlCode)) {
        case CURLE_COULDNT_RESOLVE_PROXY, CURLE_PROXY: true
        case CURLE_COULDNT_CONNECT: request.proxyVariable != nil
        default: detail.contains("CONNECT tunnel failed") || detail.contains("from proxy after CONNECT")
        }
    }

    /// The certificate may be as trusted as it likes. In the words of libcurl with OpenSSL and with GnuTLS.
    var isOfOtherName: Bool {
        ["no alternative certificate subject name", "does not match target host", "certificate subject name"]
            .contains { detail.contains($0) }
    }
}

/// Which variable makes libcurl use a proxy (libcurl-env(3)).
package enum ProxyVariable {
    /// HTTP_PROXY in capitals is what a CGI client can set: libcurl does not look at it.
    package static let names = [
        "https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY",
    ]

    /// Those variables of this process.
    static let environment: [String: String] = {
        var out: [String: String] = [:]
        for name in names {
            if let value = getenv(name) { out[name] = String(cString: value) }
        }
        return out
    }()

    /// Nil where requests go to the host itself.
    package static func name(forURL url: String, in environment: [String: String]) -> String? {
        guard let parts = URLParts(url), !parts.isLoopback, !isExcepted(parts.host.lowercased(), environment) else {
            return nil
        }
        let names = parts.scheme == "https" ? ["https_proxy", "HTTPS_PROXY"] : ["http_proxy"]
        return (names + ["all_proxy", "ALL_PROXY"]).first { environment[$0]?.isEmpty == false }
    }

    private static func isExcepted(_ host: String, _ environment: [String: String]) -> Bool {
        let exceptions = environment["no_proxy"] ?? environment["NO_PROXY"] ?? ""
        return exceptions.split { $0 == "," || $0 == " " }.contains { entry in
            let name = entry.lowercased().drop { $0 == "." }
            return name == "*" || host == name || host.hasSuffix(".\(name)")
        }
    }
}
