import ArgumentParser

/// The options that users of the `whisper` command look for, as that spells them (openai-whisper 20240930,
/// `whisper/transcribe.py`) and with hyphens. Not in the help: the manual has them.
struct WhisperOptions: ParsableArguments {
    @Option(name: [.customLong("output-dir"), .customLong("output_dir")], help: .hidden)
    var outputDirectory: String?

    @Option(name: [.customLong("output-format"), .customLong("output_format")], help: .hidden)
    var outputFormat: String?

    @Option(name: [.customLong("initial-prompt"), .customLong("initial_prompt")], help: .hidden)
    var initialPrompt: String?

    /// `True` or `False`.
    @Option(name: [.customLong("word-timestamps"), .customLong("word_timestamps")], help: .hidden)
    var wordTimestamps: String?

    @Option(name: .customLong("threads"), help: .hidden)
    var threads: Int?

    /// `transcribe` or `translate`.
    @Option(name: .customLong("task"), help: .hidden)
    var task: String?

    /// `True` or `False`.
    @Option(name: .customLong("verbose"), help: .hidden)
    var verbose: String?

    /// - Throws: `ValidationError`.
    func requirePossibleTask() throws {
        switch task {
        case nil, "transcribe": break
        case "translate":
            throw ValidationError(
                "--task translate: no engine here translates. What is said is written in the language it is said in.")
        case let other?: throw ValidationError("--task: must be transcribe, not \"\(other)\".")
        }
    }

    /// - Throws: `ValidationError` where it is neither true nor false.
    func wantsWordTimes() throws -> Bool { try Self.boolean(wordTimestamps, "--word-timestamps") ?? false }

    /// With `--verbose False`.
    var isSilent: Bool { (try? Self.boolean(verbose, "--verbose")) == false }

    func validate() throws {
        _ = try wantsWordTimes()
        _ = try Self.boolean(verbose, "--verbose")
    }

    private static func boolean(_ text: String?, _ option: String) throws -> Bool? {
        guard let text else { return nil }
        guard let value = Bool(text.lowercased()) else {
            throw ValidationError("\(option): must be True or False, not \"\(text)\".")
        }
        return value
    }
}
