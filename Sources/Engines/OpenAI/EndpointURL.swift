/// The address that chunks are sent to, made of what a person wrote as `base_url`.
package enum EndpointURL {
    /// Accepts `https://host`, `https://host/v1`, `https://host/v1/`, the full `…/audio/transcriptions`, whisper.cpp's
    /// `…/inference`, and Azure's deployment address; a query is kept.
    /// - Parameter path: what is put behind a base address (`EngineProfile.path`).
    /// - Returns: nil when `base` is no http or https address.
    package static func endpoint(base: String, path: String) -> String? {
        let base = base.trimmed
        guard base.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), let parts = URLParts(base),
            ["http", "https"].contains(parts.scheme)
        else { return nil }
        var stem = base.prefix { $0 != "?" && $0 != "#" }
        while stem.hasSuffix("/") { stem = stem.dropLast() }
        let query = parts.query.map { "?\($0)" } ?? ""
        if stem.hasSuffix("/audio/transcriptions") || stem.hasSuffix("/inference") {
            return "\(stem)\(query)"
        }
        let hasPath = parts.path.contains { $0 != "/" }
        let isAzure = EngineProfile.guess(url: base) == .azure
        let version = hasPath || path == "/inference" ? "" : isAzure ? "/openai/v1" : "/v1"
        return "\(stem)\(version)\(path)\(query)"
    }

    /// Where the server may be instead, if it knows nothing of the address that was made of `base`: whisper.cpp's server
    /// takes requests at the path that it was started with. None where a person wrote the whole address.
    static func others(base: String, endpoint: String) -> [String] {
        let base = base.trimmed
        guard endpoint != base, let parts = URLParts(base), let authority = endpoint.firstRange(of: "://") else {
            return []
        }
        var stem = base.prefix { $0 != "?" && $0 != "#" }
        while stem.hasSuffix("/") { stem = stem.dropLast() }
        let query = parts.query.map { "?\($0)" } ?? ""
        let root = endpoint[..<(endpoint[authority.upperBound...].firstIndex(of: "/") ?? endpoint.endIndex)]
        let version = parts.path.contains { $0 != "/" } ? "" : "/v1"
        var others: [String] = []
        for other in [
            "\(stem)\(version)/audio/transcriptions\(query)", "\(stem)/inference\(query)", "\(root)/inference\(query)",
        ]
        where other != endpoint && !others.contains(other) {
            others.append(other)
        }
        return others
    }

    /// The address of the list of models beside `endpoint`; nil where the server has none.
    static func models(endpoint: String) -> String? {
        let stem = endpoint.prefix { $0 != "?" }
        guard stem.hasSuffix("/audio/transcriptions"), !stem.contains("/openai/deployments/") else { return nil }
        let query = endpoint[stem.endIndex...]
        return "\(stem.dropLast("/audio/transcriptions".count))/models\(query)"
    }
}
