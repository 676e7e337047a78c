import SystemSupport

/// Languages that people name in folders and file names.
enum PathLanguage {
    /// ISO 639-1, all of it.
    private static let codes = Set(
        """
        aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo \
        es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka \
        kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng \
        nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su \
        sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
        """.split(separator: " ").map { Array($0.utf8) })

    /// `de` of a folder called `de` or `DE`.
    static func folder(_ name: RawName) -> String? { code(name.bytes[...]) }

    /// `de` of `talk.de.mp3`.
    static func suffix(of name: RawName) -> String? {
        let parts = name.bytes.split(separator: 0x2E, omittingEmptySubsequences: false)
        guard parts.count >= 3 else { return nil }
        return code(parts[parts.count - 2])
    }

    private static func code(_ bytes: ArraySlice<UInt8>) -> String? {
        let small = bytes.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }
        return codes.contains(small) ? String(decoding: small, as: UTF8.self) : nil
    }
}
