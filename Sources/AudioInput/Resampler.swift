import CSoxr
import Glibc
import Transcription

/// Mono samples of any rate to 16 kHz, 16 bit, by libsoxr at its high quality and without dither: the same sound gives
/// the same samples whatever file it came in. Samples that are at 16 kHz already go through unchanged.
struct Resampler: ~Copyable {
    private let handle: soxr_t?
    private var buffer: UnsafeMutableBufferPointer<Int16>

    /// - Throws: `DecodingFailure` when libsoxr refuses the rate.
    init(rate: Int) throws(DecodingFailure) {
        buffer = .allocate(capacity: 32 << 10)
        guard rate != Int(SampleClock.rate) else {
            handle = nil
            return
        }
        var error: soxr_error_t?
        var io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_INT16_I)
        io.flags |= UInt(SOXR_NO_DITHER)
        var quality = soxr_quality_spec(UInt(SOXR_HQ), 0)
        var runtime = soxr_runtime_spec(1)
        handle = soxr_create(Double(rate), Double(SampleClock.rate), 1, &error, &io, &quality, &runtime)
        guard handle != nil else {
            throw DecodingFailure(.undecodable, "has a sample rate of \(rate) Hz, which cannot be converted.")
        }
    }

    deinit {
        soxr_delete(handle)
        buffer.deallocate()
    }

    /// Converts `input`; what comes out goes to `output`, in pieces. Some samples stay inside until `finish`.
    mutating func process(_ input: UnsafeBufferPointer<Float>, _ output: (UnsafeBufferPointer<Int16>) throws -> Void)
        rethrows
    {
        guard let handle else {
            var done = 0
            while done < input.count {
                let count = min(buffer.count, input.count - done)
                for i in 0..<count {
                    // Exact for samples that were 16-bit integers; NaN compares false and becomes the least number.
                    let scaled = (input[done + i] * 32768).rounded(.toNearestOrEven)
                    buffer[i] = Int16(min(scaled > -32768 ? scaled : -32768, 32767))
                }
                try output(UnsafeBufferPointer(rebasing: buffer[..<count]))
                done += count
            }
            return
        }
        var done = 0
        while done < input.count {
            var used = 0
            var made = 0
            let error = soxr_process(
                handle, input.baseAddress.map { $0 + done }, input.count - done, &used, buffer.baseAddress,
                buffer.count, &made)
            if made > 0 { try output(UnsafeBufferPointer(rebasing: buffer[..<made])) }
            done += used
            if error != nil || (used == 0 && made == 0) { return }
        }
    }

    /// Gives the samples that are still inside.
    mutating func finish(_ output: (UnsafeBufferPointer<Int16>) throws -> Void) rethrows {
        guard let handle else { return }
        while true {
            var made = 0
            let error = soxr_process(handle, nil, 0, nil, buffer.baseAddress, buffer.count, &made)
            guard error == nil, made > 0 else { return }
            try output(UnsafeBufferPointer(rebasing: buffer[..<made]))
        }
    }
}
