import CLinux
import Glibc

/// What a process that decodes may still do, before it sees the first byte of the recording. The limits fit any honest
/// recording many times over.
struct Confinement {
    private var limits = clinux_confinement()

    /// - Parameters:
    ///   - byteCount: of the recording: what is longer may take more time.
    ///   - isForProgram: for ffmpeg, which brings two hundred libraries with it, and not for the decoder itself.
    init(byteCount: Int64, isForProgram: Bool) {
        // Address space under a sanitizer is counted in terabytes.
        let isSanitized = dlsym(nil, "__asan_init") != nil || dlsym(nil, "__tsan_init") != nil
        limits.address_space_bytes = isSanitized ? 0 : isForProgram ? 2 << 30 : 1 << 30
        limits.cpu_seconds = 600 + UInt64(max(0, byteCount)) / 5_000
        limits.open_files = 64
    }

    /// Gives `body` the limits as the functions of `CLinux` take them.
    /// - Parameter program: ffmpeg's path; nil for the decoder's own list of system calls.
    func withLimits<Value>(program: String?, _ body: (UnsafePointer<clinux_confinement>) -> Value) -> Value {
        var limits = limits
        guard let program else { return body(&limits) }
        return program.withCString {
            limits.program = $0
            return body(&limits)
        }
    }

    /// Confines this process as a decoder: 0, or the negative errno of what could not be had.
    func apply() -> CInt { withLimits(program: nil) { clinux_confine($0) } }
}
