package import Transcription

extension DynamicChunkSizer.Settings {
    /// As a configuration without these keys makes them, for a server that takes 25 MB.
    package static func usual(
        minimumMegabytes: Int = 10, maximumMegabytes: Int = 25, maximumConcurrentChunks: Int = 4,
        apiLimitMegabytes: Int? = 25
    ) -> Self {
        Self(
            minimumMegabytes: minimumMegabytes, maximumMegabytes: maximumMegabytes,
            maximumConcurrentChunks: maximumConcurrentChunks, apiLimitMegabytes: apiLimitMegabytes)
    }
}
