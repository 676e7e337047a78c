import AudioContainers
package import SystemPackage

extension AudioFormatSniffer {
    /// Whether a file is a recording by its content, decodable here or not. Reads what `sniff` reads; blocks. One that cannot
    /// be read is taken for one: whoever opens it next says why.
    package static func isSound(_ descriptor: FileDescriptor) -> Bool {
        let source = FileBytes(descriptor: descriptor.rawValue)
        do {
            _ = try sniff(source)
            return true
        } catch {
            return error.code != .notARecording || source.readError != nil
        }
    }
}
