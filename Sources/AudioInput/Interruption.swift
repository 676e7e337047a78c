import AudioContainers
import Glibc

/// Decoding was ended by something that is no property of the file: nothing can be said about it.
package struct Interruption: Error {
    /// A few words, for a sentence in which they stand in parentheses.
    package let cause: String
    /// A program broke down by itself, perhaps at the file; otherwise something outside ended it.
    package let isCrash: Bool
    /// Of reading the recording, where that failed.
    let readError: CInt?

    init(cause: String, isCrash: Bool = false) {
        self.cause = cause
        self.isCrash = isCrash
        readError = nil
    }

    private init(readError: CInt) {
        cause = "reading the file failed"
        isCrash = false
        self.readError = readError
    }

    /// What the parent is told.
    var message: DecoderMessage { readError.map { .unreadable($0) } ?? .interruption(cause, isCrash: isCrash) }

    /// What a failing disk withholds looks like the end of the file, or like damage: asked before either is believed.
    static func check(_ file: some RecordingBytes) throws(Interruption) {
        guard let error = file.readError else { return }
        throw Interruption(readError: error)
    }
}
