extension String {
    /// A path in its printable form as one word of a command that a person pastes into a POSIX shell; where it stands for bytes
    /// that are no text (`\xNN`, see `RawName.printable`), for bash, zsh and ksh.
    package var shellWord: String {
        let isPlain = unicodeScalars.allSatisfy {
            $0.properties.isAlphabetic || ("0"..."9").contains($0) || "/._-+,:@%=".unicodeScalars.contains($0)
        }
        if !isEmpty, isPlain { return self }
        let isEscaped = contains("\\x")
        let quote = isEscaped ? "\\'" : "'\\''"
        let inner = split(separator: "'", omittingEmptySubsequences: false).joined(separator: quote)
        return (isEscaped ? "$'" : "'") + inner + "'"
    }
}
