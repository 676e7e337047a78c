import ArgumentParser
import Inbox
import SystemSupport
import Transcription

/// Ends of the process, by sysexits.h.
package enum Exit: Int32, CaseIterable, Sendable {
    case done = 0
    case usage = 64
    case dataError = 65
    case noInput = 66
    case unavailable = 69
    case software = 70
    case cannotCreate = 73
    case temporaryFailure = 75
    case configuration = 78
    /// 128 + SIGINT, as shells have it.
    case interrupted = 130

    /// For `--help`.
    private var meaning: String {
        switch self {
        case .done: "done"
        case .usage: "usage"
        case .dataError: "a recording could not be decoded"
        case .noInput: "no such input"
        case .unavailable: "engine unavailable"
        case .software: "internal error"
        case .cannotCreate: "cannot write output"
        case .temporaryFailure: "partial transcript (some chunk failed for good)"
        case .configuration: "configuration"
        case .interrupted: "ended by a signal"
        }
    }

    /// All of them in a sentence.
    static var overview: String {
        "Exit status: \(allCases.map { "\($0.rawValue) \($0.meaning)" }.joined(separator: "; "))."
    }

    /// That which stands for an error.
    init(_ error: any Error) {
        switch error {
        case is ConfigurationFault: self = .configuration
        case let error as TranscriptionError: self.init(error.code)
        case is SystemError, is JobJournal.Unusable: self = .cannotCreate
        default: self = .software
        }
    }

    /// That which stands for an error of this kind.
    init(_ code: TranscriptionError.Code) {
        switch code {
        case .noSuchInput: self = .noInput
        case .notARecording, .unsupportedFormat, .undecodable, .decodingInterrupted, .tooLarge, .recordingChanged:
            self = .dataError
        case .engineUnavailable, .languageNotSupported, .requestFailed: self = .unavailable
        case .cannotWrite: self = .cannotCreate
        case .configuration: self = .configuration
        case .internalFault: self = .software
        }
    }

    /// That for several recordings: a failure outweighs a partial transcript, and the first failure counts.
    static func worse(_ a: Exit, _ b: Exit) -> Exit {
        if a == .done || (a == .temporaryFailure && b != .done) { return b }
        return a
    }

    /// Says the error on standard error and gives the code to throw.
    static func failure(_ error: any Error) -> ExitCode {
        say("parlograph: \(error)")
        return ExitCode(Exit(error))
    }

    /// A line on standard error.
    static func say(_ line: String) { StandardError.write(line.printable + "\n") }
}

extension ExitCode {
    /// To throw, which ends the process.
    init(_ exit: Exit) { self.init(exit.rawValue) }
}
