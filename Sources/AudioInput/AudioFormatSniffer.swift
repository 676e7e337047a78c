package import AudioContainers

/// Tells by its content what a recording is; the file's name means nothing, but where the content says nothing.
package enum AudioFormatSniffer {
    /// How much of anything else may stand in front of MPEG audio.
    package static let maximumJunk: Int64 = 1 << 20

    /// - Parameter fileExtension: of the file's name, without its dot; counts for sound without a header.
    /// - Throws: `DecodingFailure` when it is no recording, with what it is instead where that can be told.
    package static func sniff(
        _ source: some ByteSource, fileExtension: String? = nil
    ) throws(DecodingFailure) -> AudioFormat {
        guard source.size > 0 else { throw DecodingFailure(.notARecording, "is empty (0 bytes).") }
        let (start, tagWarning) = behindID3Tags(source)
        let head = source.bytes(at: start, count: 64 << 10)
        var waveFailure: DecodingFailure?
        do {
            if let format = try wave(source, at: start) { return format }
        } catch {
            waveFailure = error
        }
        if waveFailure == nil, let format = library(head, source, at: start) ?? container(head) { return format }
        if waveFailure == nil, let format = try DictationFormat.format(of: head) { return format }
        if waveFailure == nil, let thing = FileSignature.kind(of: head) {
            throw DecodingFailure(.notARecording, "is not audio: it is \(thing).")
        }
        // Before a look for frames: periods of a tone may look like them, and frames may look like G.722.
        if waveFailure == nil, fileExtension?.lowercased() != "g722", let format = raw(source, fileExtension) {
            return format
        }
        if let scan = MPEGScan(source, from: start, limit: maximumJunk) {
            var format = mpeg(scan)
            format.warning = tagWarning
            if scan.start - start > 4096, tagWarning == nil {
                format.warning = "\(scan.start - start) bytes in front of the audio were skipped."
            }
            return format
        }
        if let waveFailure { throw waveFailure }
        if let format = middleOfStream(head) { return format }
        if start > 0, start >= source.size {
            throw DecodingFailure(.notARecording, "holds no audio, only a tag (title, artist, picture).")
        }
        if let format = raw(source, fileExtension) { return format }
        if let fileExtension, let coding = RawCoding(fileExtension: fileExtension) {
            throw DecodingFailure(
                .notARecording,
                "has no header, and its bytes are not those of \(coding.title), which its name (.\(fileExtension)) stands for."
            )
        }
        throw DecodingFailure(.notARecording, "is not audio in any format known here.")
    }

    /// Sound without a header, by the file's name; nil where that says nothing of the kind, or the bytes are no such sound.
    private static func raw(_ source: some ByteSource, _ fileExtension: String?) -> AudioFormat? {
        guard let fileExtension = fileExtension?.lowercased(), let named = RawCoding(fileExtension: fileExtension),
            let coding = named.heard(in: source, isVague: fileExtension == "raw")
        else { return nil }
        let decoder: AudioFormat.Decoder =
            switch coding {
            case .g722: .ffmpeg(demuxer: "g722")
            case .gsm: .ffmpeg(demuxer: "gsm")
            case .muLaw, .aLaw, .linear: .raw(coding)
            }
        return AudioFormat(
            coding.name, coding.title, decoder,
            warning:
                "The file has no header: by its name it was taken for \(coding.title). If the text makes no sense, "
                + "save the recording as WAV.")
    }

    /// The place behind all ID3v2 tags. A tag that claims to be longer than the file is taken for damaged.
    private static func behindID3Tags(_ source: some ByteSource) -> (start: Int64, warning: String?) {
        let tags = ID3Tags(source)
        guard tags.isOverrun else { return (tags.end, nil) }
        return (tags.end + 10, "The tag in front of the audio is damaged: it claims to be longer than the file.")
    }

    private static func mpeg(_ scan: MPEGScan) -> AudioFormat {
        let name = "mp\(scan.header.layer)"
        return AudioFormat(
            name, "MPEG audio (\(name))", .mpg123(start: scan.start),
            declaredFrames: scan.declaredFrames.map { $0 * Int64(scan.header.frameSamples) })
    }

    private static func wave(_ source: some ByteSource, at start: Int64) throws(DecodingFailure) -> AudioFormat? {
        guard let header = try WaveHeader(source, at: start) else { return nil }
        switch header.codec {
        case 0x50, 0x55:
            guard let scan = MPEGScan(source, from: header.dataStart, limit: maximumJunk, needed: 2) else {
                throw DecodingFailure(.undecodable, "is a WAV file that should hold MPEG audio, but holds none.")
            }
            return AudioFormat("wav (mp3)", "WAV with MPEG audio", .mpg123(start: scan.start))
        case 0x00FF, 0x1600...0x1610, 0x0160...0x0163, 0x2000, 0x2001, 0x674F...0x6771, 0x0270, 0xFFFF:
            return AudioFormat("wav", "WAV with a compressed codec", .ffmpeg(demuxer: "wav"))
        default:
            return AudioFormat("wav", "WAV", .wave(header))
        }
    }

    /// What libsndfile reads, besides WAV.
    private static func library(_ head: [UInt8], _ source: some ByteSource, at start: Int64) -> AudioFormat? {
        if head.has("fLaC") {
            // STREAMINFO: 20 bits rate, 3 channels, 5 bits, 36 bits of total samples.
            let bits = head.number(at: 18, count: 8, bigEndian: true)
            let total = Int64(bits & 0xF_FFFF_FFFF)
            return AudioFormat("flac", "FLAC", .flac(start: start), declaredFrames: total > 0 ? total : nil)
        }
        if head.has("OggS") { return ogg(source, at: start) }
        if head.has("FORM"), head.has("AIFF", at: 8) || head.has("AIFC", at: 8) {
            return AudioFormat("aiff", "AIFF", .sndfile(start: start), declaredFrames: aiffFrames(source, at: start))
        }
        if head.has(".snd") || head.has("dns.") { return AudioFormat("au", "AU", .sndfile(start: start)) }
        if head.has("caff") {
            let codec = source.bytes(at: start + 28, count: 4)
            let known: [StaticString] = ["lpcm", "ulaw", "alaw"]
            if head.has("desc", at: 8), !known.contains(where: { codec.has($0) }) {
                return AudioFormat("caf", "Core Audio Format with a compressed codec", .ffmpeg(demuxer: "caf"))
            }
            return AudioFormat("caf", "Core Audio Format", .sndfile(start: start))
        }
        if head.has("riff"), head.has("wave", at: 24) { return AudioFormat("w64", "Wave64", .sndfile(start: start)) }
        if head.has("NIST_1A") { return AudioFormat("sph", "NIST SPHERE", .sndfile(start: start)) }
        if head.has("Creative Voice File") { return AudioFormat("voc", "Creative Voice", .sndfile(start: start)) }
        if head.has("2BIT") { return AudioFormat("avr", "Audio Visual Research", .sndfile(start: start)) }
        return nil
    }

    private static func ogg(_ source: some ByteSource, at start: Int64) -> AudioFormat {
        let other = AudioFormat("ogg", "Ogg", .ffmpeg(demuxer: "ogg"))
        guard let chain = OggChain(of: source, from: start) else { return other }
        if chain.isFLAC {
            // Behind the head of the page and its mark STREAMINFO, as in a file without pages.
            let head = source.bytes(at: start, count: 128)
            let mark = head.indices.first { head.has("fLaC", at: $0) } ?? head.count
            let total = Int64(head.number(at: mark + 18, count: 8, bigEndian: true) & 0xF_FFFF_FFFF)
            // Encoders that cannot come back leave it open; the last page tells.
            let told = Int64(min(chain.seconds, 1e9) * Double(chain.first.sampleRate))
            return AudioFormat(
                "ogg", "Ogg FLAC", .oggFLAC(start: start), declaredFrames: total > 0 ? total : told > 0 ? told : nil,
                warning: chain.isFinished ? nil : OggChain.cutOff)
        }
        guard chain.isVorbisOrOpus else { return other }
        let isOpus = chain.first.codec == .opus
        var format = AudioFormat(isOpus ? "opus" : "ogg vorbis", isOpus ? "Ogg Opus" : "Ogg Vorbis", .ogg(chain))
        if !chain.isFinished {
            format.warning = OggChain.cutOff
        }
        return format
    }

    /// numSampleFrames of the COMM chunk.
    private static func aiffFrames(_ source: some ByteSource, at start: Int64) -> Int64? {
        for chunk in IFFChunks(of: source, from: start + 12, bigEndian: true) where chunk.id.has("COMM") {
            let frames = source.number(at: chunk.contents + 2, count: 4, bigEndian: true).map { Int64($0) }
            // Of this codec it counts packets.
            let unit: Int64 = chunk.byteCount >= 22 && source.tag(at: chunk.contents + 18).has("ima4") ? 64 : 1
            return frames.flatMap { $0 > 0 && $0 < 0xFFFF_FFFF ? $0 * unit : nil }
        }
        return nil
    }

    /// What only ffmpeg reads.
    /// What was taken from a stream begins in the middle of a frame or a packet.
    private static func middleOfStream(_ head: [UInt8]) -> AudioFormat? {
        if ADTSDamage.placeOfFrames(in: head) != nil {
            return AudioFormat("aac", "AAC (ADTS)", .ffmpeg(demuxer: "aac"))
        }
        // Ten packets of a transport stream.
        let isStream = (0..<188).contains { start in
            (0..<10).allSatisfy { head.count > start + 188 * $0 && head[start + 188 * $0] == 0x47 }
        }
        return isStream ? AudioFormat("ts", "MPEG transport stream (ts)", .ffmpeg(demuxer: "mpegts")) : nil
    }

    private static func container(_ head: [UInt8]) -> AudioFormat? {
        func ffmpeg(_ name: String, _ title: String, _ demuxer: String) -> AudioFormat {
            AudioFormat(name, title, .ffmpeg(demuxer: demuxer))
        }
        if head.has("ftyp", at: 4) {
            if head.has("3g", at: 8) { return ffmpeg("3gp", "3GPP audio (3gp)", "mov") }
            if head.has("qt", at: 8) { return ffmpeg("mov", "QuickTime (mov)", "mov") }
            return head.has("M4A", at: 8) || head.has("M4B", at: 8)
                ? ffmpeg("m4a", "MPEG-4 audio (m4a)", "mov") : ffmpeg("mp4", "MPEG-4 (mp4, m4a)", "mov")
        }
        if ["moov", "mdat", "wide", "free", "skip"].contains(where: { head.has($0, at: 4) }) {
            return ffmpeg("mov", "QuickTime (mov)", "mov")
        }
        let asf: [UInt8] = [0x30, 0x26, 0xB2, 0x75, 0x8E, 0x66, 0xCF, 0x11]
        if head.starts(with: asf) { return ffmpeg("wma", "Windows Media Audio (wma)", "asf") }
        if head.starts(with: [0x1A, 0x45, 0xDF, 0xA3]) {
            return head.prefix(64).containsText("webm")
                ? ffmpeg("webm", "WebM", "matroska") : ffmpeg("mkv", "Matroska (mka, mkv)", "matroska")
        }
        if head.has("#!AMR") { return ffmpeg("amr", "AMR speech (amr)", "amr") }
        if head.starts(with: [0x0B, 0x77]) { return ffmpeg("ac3", "Dolby Digital (ac3)", "ac3") }
        if head.has("ADIF") { return ffmpeg("aac", "AAC (ADIF)", "aac") }
        if head.has("wvpk") { return ffmpeg("wv", "WavPack", "wv") }
        if head.has("TTA1") { return ffmpeg("tta", "True Audio (tta)", "tta") }
        if head.has("MAC ") { return ffmpeg("ape", "Monkey's Audio (ape)", "ape") }
        if head.has("MPCK") { return ffmpeg("mpc", "Musepack (mpc)", "mpc8") }
        if head.has("MP+") { return ffmpeg("mpc", "Musepack (mpc)", "mpc") }
        if head.has("FLV") { return ffmpeg("flv", "Flash video (flv)", "flv") }
        if head.has("RIFF"), head.has("AVI ", at: 8) { return ffmpeg("avi", "AVI video", "avi") }
        if head.has(".RMF") { return ffmpeg("rm", "RealMedia (rm)", "rm") }
        if head.has("DSD ") { return ffmpeg("dsf", "DSD audio (dsf)", "dsf") }
        if head.has("FRM8") { return ffmpeg("dff", "DSD audio (dff)", "iff") }
        if isADTS(head) { return ffmpeg("aac", "AAC (ADTS)", "aac") }
        if head.count > 188 * 4, (0..<4).allSatisfy({ head[$0 * 188] == 0x47 }) {
            return ffmpeg("ts", "MPEG transport stream (ts)", "mpegts")
        }
        if head.starts(with: [0, 0, 1, 0xBA]) { return ffmpeg("mpg", "MPEG video (mpg)", "mpeg") }
        return nil
    }

    /// AAC frames: sync word with layer 0, each with its length; three in a row.
    private static func isADTS(_ head: [UInt8]) -> Bool {
        var at = 0
        for _ in 0..<3 {
            guard at + 6 < head.count, head[at] == 0xFF, head[at + 1] & 0xF6 == 0xF0 else { return false }
            let length = Int(head[at + 3] & 3) << 11 | Int(head[at + 4]) << 3 | Int(head[at + 5]) >> 5
            guard length > 7 else { return false }
            at += length
            if at == head.count { return true }
        }
        return true
    }
}

extension Collection<UInt8> {
    /// True when the bytes of `text` stand somewhere in the collection.
    package func containsText(_ text: String) -> Bool {
        let wanted = Array(text.utf8)
        return indices.contains { self[$0...].starts(with: wanted) }
    }
}

extension OggChain {
    /// A sentence about one that is not finished.
    static let cutOff =
        "The file ends without its end marker, so it is probably cut off; what was there has been transcribed."
}
