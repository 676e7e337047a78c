package import SystemPackage
import SystemSupport

/// The way from one file to another, as it is written in a page: percent-encoded, with `/` and `..`.
package struct RelativeLink: Sendable, Hashable {
    package let text: String

    /// - Parameters:
    ///   - folder: where the page lies; absolute.
    ///   - file: absolute.
    package init(from folder: FilePath, to file: FilePath) {
        let here = Self.components(folder)
        let there = Self.components(file)
        let common = zip(here, there).prefix { $0 == $1 }.count
        let steps = [String](repeating: "..", count: here.count - common) + there[common...].map(Self.encoded)
        // A colon of the first name is encoded: nothing of it is taken for a scheme.
        text = steps.joined(separator: "/")
    }

    private static func components(_ path: FilePath) -> [[UInt8]] {
        path.lexicallyNormalized().components.map { RawName(FilePath(root: nil, [$0])).bytes }
    }

    /// RFC 3986: all but what it calls unreserved.
    private static func encoded(_ name: [UInt8]) -> String {
        var out = ""
        for byte in name {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                out.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                out += digits.count < 2 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return out
    }
}
