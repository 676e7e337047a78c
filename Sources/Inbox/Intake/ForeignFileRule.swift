import AudioContainers
package import SystemSupport

/// Tells what of an inbox is no recording and nobody expects a transcript of: what cameras and meeting programs lay beside
/// their recordings, and what else lies in a folder (docs/decisions/0055).
package enum ForeignFileRule {
    /// What a name says by its extension.
    package enum Kind: Sendable, Hashable {
        /// A recording: if it holds no sound, somebody must hear of it.
        case sound
        /// The small copy of a recording that a camera makes beside it, with the same sound.
        case proxy
        case other
        /// There is no extension.
        case none
    }

    private static let proxies: Set = ["lrv", "lrf"]
    /// Sound, video with sound, dictation and telephony, besides what `RawCoding` knows; whether it can be decoded here is
    /// another question.
    private static let sounds = Set(
        """
        wav wave bwf rf64 w64 aif aiff aifc caf au snd voc sph nist avr iff 8svx mp3 mp2 mp1 mpa mpga aac
        adts ac3 eac3 ec3 dts flac ogg oga opus spx ape wv tta mpc mp+ dsf dff wma ra rm rmvb m4a m4b m4r
        m4p mp4 m4v mov qt qta 3gp 3gpp 3g2 3ga f4a f4v flv mka mkv webm weba avi wmv asf mpg mpeg mpe m2v
        vob ts mts m2ts m2t mod tod mxf ogv ogm ogx divx dv amr awb g726 g729 pcm dss ds2 dvf msv vox ivf
        """.split(whereSeparator: \.isWhitespace).map(String.init))
    /// Longer ones are words of a title: "Besuch bei Dr. Lindström".
    private static let maximumExtension = 5

    /// - Parameter name: without folders.
    package static func kind(of name: RawName) -> Kind {
        guard let found = `extension`(of: name) else { return .none }
        if proxies.contains(found) { return .proxy }
        return sounds.contains(found) || RawCoding(fileExtension: found) != nil ? .sound : .other
    }

    /// - Parameters:
    ///   - name: without folders.
    ///   - isSound: by its content; is asked only where the name leaves it open.
    package static func isForeign(_ name: RawName, isSound: () throws -> Bool) rethrows -> Bool {
        switch kind(of: name) {
        case .proxy: true
        case .sound: false
        case .other, .none: try !isSound()
        }
    }

    /// Whether a person should hear of one that cannot be read.
    package static func expectsTranscript(_ name: RawName) -> Bool {
        switch kind(of: name) {
        case .sound, .none: true
        case .proxy, .other: false
        }
    }

    /// In lower case; letters and digits of ASCII alone, and `+`, make one.
    private static func `extension`(of name: RawName) -> String? {
        guard let dot = name.bytes.lastIndex(of: 0x2E), name.bytes[..<dot].contains(where: { $0 != 0x2E }) else {
            return nil
        }
        let found = String(decoding: name.bytes[(dot + 1)...], as: UTF8.self).lowercased()
        let isOne =
            !found.isEmpty && found.utf8.count <= maximumExtension
            && found.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2B }
        return isOne ? found : nil
    }
}
