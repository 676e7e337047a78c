/// A key as the code knows it: what the parser checks a value with, and what the manual and the default configuration
/// have to say.
package struct SettingsKey: Hashable, Sendable {
    /// What holds where the key is missing.
    package enum Default: Hashable, Sendable {
        /// As it would stand in the file.
        case value(String)
        /// No single value; as documents say it.
        case words(String)

        /// There is none, and none is needed.
        static let nothing = Default.words("none")
        static let mustBeGiven = Default.words("none; must be given")
    }

    /// `processing`, `engines.cloud`, `inbox[0]`; empty at the top.
    package let section: String
    package let name: String
    package let byDefault: Default
    package let allowed: AllowedValues
    /// The variable of the environment that wins over the file.
    package let variable: String

    /// `PARLOGRAPH_<SECTION>_<KEY>`; an inbox's number is left out, so it reaches every inbox.
    static func variable(section: String, name: String) -> String {
        let section = section.replacing(/\[[0-9]+\]/, with: "")
        let parts = (section.isEmpty ? [] : [section]) + [name]
        let joined = parts.joined(separator: "_").uppercased()
        return "PARLOGRAPH_" + String(joined.map { $0.isLetter || $0.isNumber ? $0 : "_" })
    }
}

/// What a key's value may be.
package enum AllowedValues: Hashable, Sendable {
    /// What a number counts; a count of things has none.
    package enum Unit: String, Sendable {
        case megabytes, seconds, requests
    }

    case wholeNumber(ClosedRange<Int>, Unit? = nil)
    case number(ClosedRange<Double>, Unit? = nil)
    case boolean
    /// The text says which texts; who reads them checks that.
    case text(String = "any text")
    case shortText(maximum: Int)
    case absolutePath
    /// One that ends so; who reads it checks that.
    case absolutePathEnding(String)
    /// Whether it may be used is for who reads it.
    case address
    case language
    case oneOf([String])
    /// The text says which texts; who reads them checks that.
    case texts(String = "a list of texts")
    case listOf([String])

    static func oneOf<Choice: RawRepresentable<String> & CaseIterable>(_ choice: Choice.Type) -> AllowedValues {
        .oneOf(choice.allCases.map(\.rawValue))
    }

    static func listOf<Choice: RawRepresentable<String> & CaseIterable>(_ choice: Choice.Type) -> AllowedValues {
        .listOf(choice.allCases.map(\.rawValue))
    }

    /// Both ends of a range, as `0.05 to 3600`; nil where there is none.
    package var range: String? {
        switch self {
        case .wholeNumber(let range, _): "\(range.lowerBound) to \(range.upperBound)"
        case .number(let range, _): "\(range.lowerBound.shortText) to \(range.upperBound.shortText)"
        default: nil
        }
    }

    /// What documents say after "Range:".
    package var description: String {
        switch self {
        case .wholeNumber(_, .seconds): "\(range ?? "") whole seconds"
        case .wholeNumber(_, let unit), .number(_, let unit):
            "\(range ?? "")\(unit.map { " \($0.rawValue)" } ?? "")"
        case .boolean: "true or false"
        case .text(let which), .texts(let which): which
        case .shortText(let maximum): "a text of up to \(maximum) characters"
        case .absolutePath: "an absolute path"
        case .absolutePathEnding(let ending): "an absolute path that ends in \(ending)"
        case .address: "an http or https address"
        case .language: "auto or a language, by a code, a tag such as pt-BR or its name"
        case .oneOf(let values): "one of \(values.joined(separator: ", "))"
        case .listOf(let values): "a list of \(values.joined(separator: ", "))"
        }
    }

    /// What error messages say after "must be".
    var wanted: String {
        switch self {
        case .wholeNumber: "a whole number from \(range ?? "")"
        case .number: "a number from \(range ?? "")"
        case .boolean: "true or false"
        case .text, .shortText, .absolutePath, .absolutePathEnding, .address, .language: "a text in quotes"
        case .oneOf: description
        case .texts, .listOf: "a list of texts, [\"…\", \"…\"]"
        }
    }
}

extension Double {
    /// Without a fraction that says nothing: `60`, `0.05`.
    var shortText: String { self == rounded() ? "\(Int(self))" : "\(self)" }
}
