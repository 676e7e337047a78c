import Glibc
import SystemPackage
package import SystemSupport

/// What a delivered `.json` tells about the set it belongs to.
package struct SidecarRecord: Sendable {
    /// SHA-256 of the recording the set was made from.
    package let source: Digest
    /// The recording's printable name.
    package let sourceName: String
    /// `und` or nil where it is not known.
    package let language: String?
    /// Of the files as they were delivered; that of the `.json` itself as it is now.
    package let digests: Set<Digest>

    /// Nothing is missing in the transcript that another try could bring.
    package let isWhole: Bool
    /// How much the file itself has lost, as `Transcript.lostSampleCount`, to the millisecond.
    package let lostSampleCount: Int64

    /// `Transcript.coverage`; 1 where it tells none.
    package let coverage: Double

    private struct Contents: Decodable {
        struct Gap: Decodable {
            let cause: String?
            /// Seconds.
            let start: Double?
            /// Nil: it goes on to an end that is not known.
            let end: Double?
        }

        struct Source: Decodable {
            let name: String
            let sha256: Digest
        }
        let language: String?
        let source: Source
        let sidecars: [String: Digest]
        let gaps: [Gap]
        let coverage: Double?
    }

    private static let maximumBytes = 64 << 20

    /// Reads the record of a set; nil when there is no `.json` of ours. Blocks.
    /// - Parameter folder: where the set lies.
    package init?(_ names: SidecarNames, in folder: borrowing OpenFolder) {
        guard let bytes = try? Self.read(names.name(.json), in: folder),
            let contents = BoundedJSON.decode(Contents.self, from: bytes)
        else { return nil }
        source = contents.source.sha256
        sourceName = contents.source.name
        language = contents.language
        let damage = contents.gaps.filter { $0.cause == Transcript.Gap.Cause.damage.rawValue }
        coverage = min(1, max(0, contents.coverage ?? 1))
        isWhole = contents.gaps.allSatisfy { gap in
            gap.cause.flatMap(Transcript.Gap.Cause.init)?.isPassing == false
        }
        let lost = damage.reduce(0.0) { $0 + max(0, ($1.end ?? 0) - ($1.start ?? 0)) }
        // It is a file that anybody may have edited.
        lostSampleCount = Int64(exactly: (lost * Double(SampleClock.rate)).rounded()) ?? 0
        digests = Set(contents.sidecars.values).union([bytes.withUnsafeBytes { SHA256.digest(of: $0) }])
    }

    /// No link is followed, and nothing blocks on a pipe.
    private static func read(_ name: RawName, in folder: borrowing OpenFolder) throws -> [UInt8] {
        let file = try OwnedDescriptor(
            opening: name.path, from: folder.descriptor, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
        guard try FileStatus(of: file.descriptor).kind == .regular else {
            throw SystemError("open", name.printable, errno: .invalidArgument)
        }
        return try SmallFile.read(file.descriptor, named: name.printable, limit: maximumBytes)
    }
}
