import AudioContainers
package import SystemPackage

extension AudioFormatSniffer {
    /// Whether a file is a recording by its content, decodable here or not. Reads a bounded part of it; blocks. One that cannot
    /// be read is taken for one: whoever opens it next says why.
    package static func isSound(_ descriptor: FileDescriptor) -> Bool {
        let source = FileBytes(descriptor: descriptor.rawValue)
        // To decode it all its pages are looked up, which takes as long as it is large.
        if source.bytes(at: 0, count: 4).has("OggS") { return true }
        do {
            _ = try sniff(source)
            return true
        } catch {
            return error.code != .notARecording || source.readError != nil
        }
    }
}
