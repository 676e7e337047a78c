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

    /// The address of the list of models beside `endpoint`; nil where the server has none.
    static func models(endpoint: String) -> String? {
        let stem = endpoint.prefix { $0 != "?" }
        guard stem.hasSuffix("/audio/transcriptions"), !stem.contains("/openai/deployments/") else { return nil }
        let query = endpoint[stem.endIndex...]
        return "\(stem.dropLast("/audio/transcriptions".count))/models\(query)"
    }
}
