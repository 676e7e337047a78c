import Glibc
package import SystemPackage
import SystemSupport

/// A WAV file whose header may lie.
package struct TestWave {
    /// Interleaved.
    package var samples: [Int16]
    package var channels: Int
    package var rate: Int
    package var formatTag = 1
    package var bits = 16
    /// What the header says instead of the truth.
    package var declaredDataBytes: UInt32?
    package var declaredRIFFBytes: UInt32?
    /// Chunks in front of `data`, whole.
    package var before: [UInt8] = []
    package var after: [UInt8] = []

    package init(_ samples: [Int16], channels: Int = 1, rate: Int = TestAudio.rate) {
        self.samples = samples
        self.channels = channels
        self.rate = rate
    }

    /// The file's bytes.
    package var bytes: [UInt8] {
        func number(_ value: Int, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        let data = samples.flatMap { number(Int($0), 2) }
        var out: [UInt8] = Array("WAVEfmt ".utf8) + number(16, 4) + number(formatTag, 2) + number(channels, 2)
        out +=
            number(rate, 4) + number(rate * channels * bits / 8, 4) + number(channels * bits / 8, 2) + number(bits, 2)
        out += before + Array("data".utf8) + number(Int(declaredDataBytes ?? UInt32(data.count)), 4) + data + after
        return Array("RIFF".utf8) + number(Int(declaredRIFFBytes ?? UInt32(out.count)), 4) + out
    }
}

/// Files for tests, and the programs that make them.
package enum TestAudioFile {
    package struct Failed: Error, CustomStringConvertible {
        package let description: String
    }

    /// Writes `bytes` to `path`.
    package static func write(_ bytes: [UInt8], to path: FilePath) throws {
        let file = try OwnedDescriptor(opening: path, flags: O_WRONLY | O_CREAT | O_TRUNC)
        try file.descriptor.writeAll(bytes)
    }

    package static func read(_ path: FilePath) throws -> [UInt8] {
        let file = try OwnedDescriptor(opening: path, flags: O_RDONLY)
        var bytes: [UInt8] = []
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count = try file.descriptor.read(into: buffer)
            if count == 0 { return bytes }
            bytes += buffer[..<count]
        }
    }

    /// Runs a program that is found by PATH and waits for it. Its output goes nowhere.
    /// - Throws: `Failed` when it is missing or does not exit with 0.
    package static func run(_ program: String, _ arguments: [String]) async throws {
        let status: Int32 = await BlockingPool.files.run {
            var actions = posix_spawn_file_actions_t()
            posix_spawn_file_actions_init(&actions)
            defer { posix_spawn_file_actions_destroy(&actions) }
            for fd: CInt in 0...2 { posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0) }
            let argv: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
            defer { for argument in argv { free(argument) } }
            var process = pid_t()
            guard posix_spawnp(&process, program, &actions, nil, argv, environ) == 0 else { return 127 }
            var status: Int32 = 0
            while waitpid(process, &status, 0) < 0 { if errno != EINTR { return 126 } }
            return status
        }
        guard status == 0 else { throw Failed(description: "\(program) \(arguments): status \(status)") }
    }
}
