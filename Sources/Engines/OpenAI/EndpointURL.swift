/// The address that chunks are sent to, made of what a person wrote as `base_url`.
package enum EndpointURL {
    /// Accepts `https://host`, `https://host/v1`, `https://host/v1/`, the full `…/audio/transcriptions`, whisper.cpp's
    /// `…/inference`, and Azure's deployment address; a query is kept.
    /// - Parameter path: what is put behind a base address (`EngineProfile.path`).
    /// - Returns: nil when `base` is no http or https address.
    package static func endpoint(base: String, path: String) -> String? {
        let base = base.trimmed
        let lower = base.lowercased()
        guard lower.hasPrefix("http://") || lower.hasPrefix("https://"), !HostName.authority(ofURL: base).isEmpty,
            base.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { return nil }
        let query = base.firstIndex(of: "?").map { base[$0...] } ?? ""
        var stem = base[..<(base.firstIndex(of: "?") ?? base.endIndex)]
        while stem.hasSuffix("/") { stem = stem.dropLast() }
        if stem.hasSuffix("/audio/transcriptions") || stem.hasSuffix("/inference") {
            return "\(stem)\(query)"
        }
        let hasPath = stem.drop { $0 != ":" }.dropFirst(3).contains("/")
        let isAzure = EngineProfile.guess(url: base) == .azure
        let version = hasPath || path == "/inference" ? "" : isAzure ? "/openai/v1" : "/v1"
        return "\(stem)\(version)\(path)\(query)"
    }

    /// From the first slash behind the host up to the query.
    static func path(of url: String) -> String {
        let stem = url.prefix { $0 != "?" }
        guard let scheme = stem.firstRange(of: "://") else { return "" }
        return String(stem[scheme.upperBound...].drop { $0 != "/" })
    }

    /// The address of the list of models beside `endpoint`; nil where the server has none.
    static func models(endpoint: String) -> String? {
        let stem = endpoint.prefix { $0 != "?" }
        guard stem.hasSuffix("/audio/transcriptions"), !stem.contains("/openai/deployments/") else { return nil }
        let query = endpoint[stem.endIndex...]
        return "\(stem.dropLast("/audio/transcriptions".count))/models\(query)"
    }
}
