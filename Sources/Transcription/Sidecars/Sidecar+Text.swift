extension Sidecar {
    /// Paragraphs as one line each with a blank line between.
    static func plainText(_ transcript: Transcript, _ style: SidecarStyle) -> String {
        ParagraphBuilder.paragraphs(of: transcript, style.speakers, style.textTimes).map(\.text)
            .joined(separator: "\n\n") + "\n"
    }
}
