/// Where an engine's key comes from: what a person does about a wrong or missing one depends on it.
package enum KeyOrigin: Sendable, Hashable {
    /// `api_key`, or its variable of the environment; also where nobody has said.
    case setting
    /// `api_key_file`: read again at each reload and whenever it changes.
    case file(String)
    /// A file of systemd's, which gives it to a service when that starts.
    /// - Parameter source: what the unit of the package takes it from.
    case credential(source: String)
    /// There is none, and the process has a folder of credentials, without one for this engine.
    /// - Parameter source: as above.
    case lacksCredential(source: String)

    private static let restart =
        "then restart the service (systemctl restart parlograph): systemd hands out keys when a service starts, not at a "
        + "reload."

    /// What is to be done about a key that was refused, or is missing, in a sentence.
    /// - Parameters:
    ///   - section: `[engines.NAME]`.
    ///   - hasKey: one was sent.
    func advice(section: String, hasKey: Bool) -> String {
        switch self {
        case .credential(let source):
            "Its key is the one that \(source) held when the service started: put the right one there, \(Self.restart)"
        case .lacksCredential(let source) where !hasKey:
            "No key is set: put it into \(source), \(Self.restart) Or set api_key_file of \(section)."
        case .file(let path) where hasKey: "Check api_key_file of \(section), \(path)."
        case _ where hasKey: "Check api_key_file of \(section)."
        default: "No key is set: set api_key_file of \(section) to a file that holds one."
        }
    }
}
