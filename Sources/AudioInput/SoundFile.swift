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

    /// - Throws: `DecodingFailure` with libsndfile's own words.
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
            var reason = String(cString: sf_strerror(nil))
            while reason.hasSuffix(".") { reason.removeLast() }
            // What the library says of itself ("SF_INFO struct incomplete") is about a header without sense.
            let words =
                reason.hasPrefix("Internal error")
                ? "has a damaged header: it does not tell what sound follows." : "cannot be decoded (\(reason))."
            throw DecodingFailure(.undecodable, words)
        }
        let channels = Int(info.channels)
        let sampleRate = Int(info.samplerate)
        guard channels > 0, channels <= 256, SampleRates.usable.contains(sampleRate) else {
            sf_close(handle)
            throw DecodingFailure(
                .notARecording, "has a damaged header: it declares \(channels) channels at \(sampleRate) Hz.")
        }
        self.handle = handle
        self.file = file
        self.channels = channels
        self.sampleRate = sampleRate
        declaredFrames = info.frames > 0 && info.frames < Int64.max / 2 ? info.frames : nil
    }

    deinit {
        sf_close(handle)
        withExtendedLifetime(file) {}
    }

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
