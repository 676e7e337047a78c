import CSndfile
import Glibc

/// Test audio in which every second says its own number, and the ear for it.
///
/// Second `k` is a chord of 6 of 20 tones for 0.8 s, then 0.2 s of silence to cut in. The chords are the 6-subsets in
/// lexicographic order, so 38 760 seconds differ. Heard with the Goertzel algorithm.
package enum MarkedAudio {
    package static let rate = 16_000
    /// Samples of each second in which the chord sounds.
    package static let chordSamples = 12_800
    /// A part of a chord is heard from this length on; a shorter one is nothing.
    private static let minimumHeard = 2400

    private static let toneCount = 20
    private static let chordSize = 6
    private static let fade = 80
    /// 190 Hz apart, up to 4210 Hz: low enough for every MP3 encoder to keep.
    private static func frequency(_ tone: Int) -> Double { 600 + 190 * Double(tone) }

    /// What is heard in `samples`: the number and its place.
    package struct Mark: Sendable, Hashable {
        package var number: Int
        /// In samples from the start of what was heard.
        package var start: Int
        package var end: Int
        /// `m17`.
        package var text: String { "m\(number)" }
        /// Not cut off at a border.
        package var isWhole: Bool { end - start > chordSamples - 400 }
    }

    /// The audio of `seconds`; those of `silent` hold silence.
    package static func samples(seconds: Range<Int>, silent: Set<Int> = []) -> [Int16] {
        var out: [Int16] = []
        out.reserveCapacity(seconds.count * rate)
        let pause = [Int16](repeating: 0, count: rate - chordSamples)
        for second in seconds {
            guard !silent.contains(second) else {
                out += [Int16](repeating: 0, count: rate)
                continue
            }
            var period = [Int16](repeating: 0, count: periodSamples)
            for tone in chord(second) { for at in 0..<periodSamples { period[at] += tones[tone][at] } }
            let start = out.count
            for _ in 0..<chordSamples / periodSamples { out += period }
            for at in 0..<fade {
                out[start + at] = Int16(Int(out[start + at]) * at / fade)
                let mirrored = out.count - 1 - at
                out[mirrored] = Int16(Int(out[mirrored]) * at / fade)
            }
            out += pause
        }
        return out
    }

    /// All frequencies are multiples of 10 Hz: every chord repeats after a tenth of a second.
    private static let periodSamples = rate / 10
    private static let tones = (0..<toneCount).map { tone -> [Int16] in
        let step = 2 * Double.pi * frequency(tone) / Double(rate)
        return (0..<periodSamples).map { Int16(2500 * sin(step * Double($0))) }
    }

    /// The marks in `samples`, in order.
    package static func hear(_ samples: [Int16]) -> [Mark] {
        var marks: [Mark] = []
        for burst in bursts(in: samples) where burst.count >= minimumHeard {
            if let number = decode(samples[burst]) {
                marks.append(Mark(number: number, start: burst.lowerBound, end: burst.upperBound))
            }
        }
        return marks
    }

    /// Reads WAV, FLAC or anything else libsndfile knows, mono at 16 kHz.
    package static func decode(file bytes: [UInt8]) -> [Int16]? {
        var template = Array("/tmp/parlograph-heard-XXXXXX".utf8CString)
        let descriptor = template.withUnsafeMutableBufferPointer { $0.baseAddress.map { mkstemp($0) } ?? -1 }
        guard descriptor >= 0 else { return nil }
        template.withUnsafeBufferPointer { if let path = $0.baseAddress { _ = unlink(path) } }
        defer { close(descriptor) }
        guard bytes.withUnsafeBytes({ write(descriptor, $0.baseAddress, $0.count) }) == bytes.count,
            lseek(descriptor, 0, SEEK_SET) == 0
        else { return nil }
        var info = SF_INFO()
        guard let file = sf_open_fd(descriptor, CInt(SFM_READ), &info, 0) else { return nil }
        defer { sf_close(file) }
        guard info.channels == 1, info.samplerate == rate else { return nil }
        var samples = [Int16](repeating: 0, count: Int(info.frames))
        let count = sf_read_short(file, &samples, info.frames)
        return Array(samples.prefix(Int(count)))
    }

    /// Stretches of sound: silence of 40 ms ends one. Exact to 2 ms.
    private static func bursts(in samples: [Int16]) -> [Range<Int>] {
        let frame = 32
        var out: [Range<Int>] = []
        samples.withUnsafeBufferPointer { samples in
            for start in stride(from: 0, to: samples.count, by: frame) {
                let end = min(start + frame, samples.count)
                var peak: Int32 = 0
                for at in start..<end { peak = max(peak, abs(Int32(samples[at]))) }
                guard peak > 300 else { continue }
                if let last = out.last, start - last.upperBound < rate / 25 {
                    out[out.count - 1] = last.lowerBound..<end
                } else {
                    out.append(start..<end)
                }
            }
        }
        return out
    }

    private static func decode(_ samples: ArraySlice<Int16>) -> Int? {
        // A quarter of a second from the middle at most: enough to tell 190 Hz apart, and free of edges.
        let length = min(samples.count - 2 * fade, rate / 4)
        let from = samples.startIndex + (samples.count - length) / 2
        let powers = samples[from..<from + length].withUnsafeBufferPointer { window in
            (0..<toneCount).map { goertzel(window, 2 * Double.pi * frequency($0) / Double(rate)) }
        }
        let order = powers.indices.sorted { powers[$0] > powers[$1] }
        guard powers[order[chordSize - 1]] > 4 * powers[order[chordSize]] else { return nil }
        return number(of: order.prefix(chordSize).sorted())
    }

    private static func goertzel(_ samples: UnsafeBufferPointer<Int16>, _ step: Double) -> Float {
        let coefficient = Float(2 * cos(step))
        var (a, b): (Float, Float) = (0, 0)
        let count = samples.count
        for at in 0..<count {
            let next = Float(samples[at]) + coefficient * a - b
            (a, b) = (next, a)
        }
        return a * a + b * b - coefficient * a * b
    }

    // MARK: Subsets

    private static func choose(_ n: Int, _ k: Int) -> Int {
        guard k >= 0, k <= n else { return 0 }
        return (0..<k).reduce(1) { $0 * (n - $1) / ($1 + 1) }
    }

    /// The tones of second `number`, rising.
    private static func chord(_ number: Int) -> [Int] {
        var rest = number % choose(toneCount, chordSize)
        var out: [Int] = []
        var tone = 0
        while out.count < chordSize {
            let following = choose(toneCount - tone - 1, chordSize - out.count - 1)
            if rest < following { out.append(tone) } else { rest -= following }
            tone += 1
        }
        return out
    }

    private static func number(of chord: [Int]) -> Int {
        var number = 0
        var tone = 0
        for (index, member) in chord.enumerated() {
            while tone < member {
                number += choose(toneCount - tone - 1, chordSize - index - 1)
                tone += 1
            }
            tone += 1
        }
        return number
    }
}

extension FakeTranscriptionServer {
    /// A server that hears `MarkedAudio`: a segment for each mark, with times relative to the upload, in the
    /// `response_format` asked for.
    package static func hearing(
        before script: @escaping @Sendable (Request) -> Response? = { _ in nil }
    ) throws -> FakeTranscriptionServer {
        try FakeTranscriptionServer { request in script(request) ?? heard(in: request) }
    }

    /// One whose answers wait.
    /// - Parameters:
    ///   - gate: to be opened by the test, before the server is stopped.
    ///   - isHeld: whether the answer to a request waits.
    package static func hearing(
        behind gate: Gate, holding isHeld: @escaping @Sendable (Request) -> Bool = { _ in true }
    ) throws -> FakeTranscriptionServer {
        try hearing { request in
            guard isHeld(request) else { return nil }
            var answer = heard(in: request)
            answer.gate = gate
            return answer
        }
    }

    /// What the hearing server answers.
    package static func heard(in request: Request) -> Response {
        guard let samples = MarkedAudio.decode(file: request.audio) else {
            return Response(400, text: #"{"error":{"message":"The audio file could not be decoded.","type":"x"}}"#)
        }
        let marks = MarkedAudio.hear(samples)
        let text = marks.map(\.text).joined(separator: " ")
        let headers = [(name: "Content-Type", value: "application/json")]
        guard request.field("response_format") == "verbose_json" else {
            return Response(headers: headers, text: #"{"text":"\#(text)"}"#)
        }
        func seconds(_ samples: Int) -> Double { Double(samples) / Double(MarkedAudio.rate) }
        let segments = marks.enumerated().map { index, mark in
            #"{"id":\#(index),"start":\#(seconds(mark.start)),"end":\#(seconds(mark.end)),"text":" \#(mark.text)"}"#
        }
        return Response(
            headers: headers,
            text: #"{"task":"transcribe","language":"english","duration":\#(seconds(samples.count)),"#
                + #""text":"\#(text)","segments":[\#(segments.joined(separator: ","))]}"#)
    }
}
