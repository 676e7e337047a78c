import CSndfile

/// Where the centre channel is, in which films and broadcasts have their dialogue.
enum ChannelLayout {
    /// By the name that ffmpeg gives a layout: `5.1(side)`, `7.1`. Nil for one without a centre, and for an unknown one.
    static func centre(named layout: String) -> Int? {
        let with = ["3.0", "3.1", "4.0", "4.1", "6.0", "6.1", "6.1(back)", "hexagonal", "octagonal"]
        let isSurround = ["5.0", "5.1", "7.0", "7.1"].contains { layout == $0 || layout.hasPrefix($0 + "(") }
        // Front left and right come before it in all of them.
        return with.contains(layout) || isSurround ? 2 : nil
    }

    /// By the order that Vorbis and Opus lay down for a number of channels.
    static func vorbisCentre(channels: Int) -> Int? { [3, 5, 6, 7, 8].contains(channels) ? 1 : nil }

    /// By the order that FLAC lays down.
    static func flacCentre(channels: Int) -> Int? { [3, 5, 6, 7, 8].contains(channels) ? 2 : nil }

    /// By libsndfile's map of channels.
    static func centre(inMap map: [CInt]) -> Int? {
        map.firstIndex { $0 == CInt(SF_CHANNEL_MAP_CENTER) || $0 == CInt(SF_CHANNEL_MAP_FRONT_CENTER) }
    }
}
