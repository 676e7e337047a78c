import AudioContainers
import CSndfile

/// A recording open in libsndfile.
struct SoundFile: ~Copyable {
    private let handle: OpaquePointer
    /// Kept alive for the callbacks of `handle`.
    private let file: VirtualFile
    let channels: Int
    let sampleRate: Int
    /// By the header; nil when unknown.
    let declaredFrames: Int64?
    let depth: SampleDepth
    /// Which channel is the centre one, where the header or the format lays down a layout with one.
    let centre: Int?

    /// - Throws: `DecodingFailure`.
    init(_ file: VirtualFile) throws(DecodingFailure) {
        var info = SF_INFO()
        var io = SF_VIRTUAL_IO(
            get_filelen: { @Sendable context in VirtualFile.at(context)?.count ?? 0 },
            seek: { @Sendable offset, whence, context in
                VirtualFile.at(context)?.seek(to: offset, whence: whence) ?? -1
            },
            read: { @Sendable buffer, count, context in
                guard let buffer else { return 0 }
                return Int64(VirtualFile.at(context)?.read(into: buffer, count: Int(count)) ?? 0)
            },
            write: { @Sendable _, _, _ in 0 },
            tell: { @Sendable context in VirtualFile.at(context)?.offset ?? 0 })
        guard let handle = sf_open_virtual(&io, CInt(SFM_READ), &info, Unmanaged.passUnretained(file).toOpaque()) else {
            throw Self.failure(code: sf_error(nil), words: String(cString: sf_strerror(nil)))
        }
        let channels = Int(info.channels)
        let sampleRate = Int(info.samplerate)
        guard channels > 0, channels <= 256, SampleRates.usable.contains(sampleRate) else {
            sf_close(handle)
            throw DecodingFailure.impossible(channels: channels, rate: sampleRate)
        }
        self.handle = handle
        self.file = file
        self.channels = channels
        self.sampleRate = sampleRate
        declaredFrames = info.frames > 0 && info.frames < Int64.max / 2 ? info.frames : nil
        depth = Self.depth(ofFormat: Int(info.format))
        centre = Self.centre(handle, format: Int(info.format), channels: channels)
    }

    /// libsndfile's own words are for programmers, and do not tell damage from what it does not know.
    private static func failure(code: CInt, words: String) -> DecodingFailure {
        DecodingFailure(
            .undecodable,
            "cannot be decoded: its header is damaged, or the sound is stored in a way that cannot be read here.",
            detail: "libsndfile: \(words) (\(code))")
    }

    private static func depth(ofFormat format: Int) -> SampleDepth {
        switch format & Int(SF_FORMAT_SUBMASK) {
        case Int(SF_FORMAT_PCM_24), Int(SF_FORMAT_PCM_32): .integer
        case Int(SF_FORMAT_FLOAT), Int(SF_FORMAT_DOUBLE): .float
        default: .plain
        }
    }

    private static func centre(_ handle: OpaquePointer, format: Int, channels: Int) -> Int? {
        if format & Int(SF_FORMAT_TYPEMASK) == Int(SF_FORMAT_OGG) {
            return ChannelLayout.vorbisCentre(channels: channels)
        }
        var map = [CInt](repeating: 0, count: channels)
        let size = CInt(channels * MemoryLayout<CInt>.size)
        guard channels > 2, sf_command(handle, CInt(SFC_GET_CHANNEL_MAP_INFO), &map, size) != 0 else { return nil }
        return ChannelLayout.centre(inMap: map)
    }

    deinit {
        sf_close(handle)
        withExtendedLifetime(file) {}
    }

    /// What it is read from.
    var source: FileBytes { file.source }

    /// How long so many frames last, in seconds.
    func seconds(of frames: Int64?) -> Double? { frames.map { Double($0) / Double(sampleRate) } }

    /// Whole frames, interleaved, full scale is 1; the number of frames, 0 at the end or on an error.
    func read(into buffer: UnsafeMutableBufferPointer<Float>) -> Int {
        Int(max(0, sf_readf_float(handle, buffer.baseAddress, sf_count_t(buffer.count / channels))))
    }
}

extension VirtualFile {
    fileprivate static func at(_ context: UnsafeMutableRawPointer?) -> VirtualFile? {
        context.map { Unmanaged<VirtualFile>.fromOpaque($0).takeUnretainedValue() }
    }
}
