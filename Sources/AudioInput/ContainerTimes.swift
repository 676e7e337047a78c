package import AudioContainers

/// The times that a container gives to its sound. ffmpeg's filter takes out each jump in them and says so; here it is decided
/// which of them are silence, so that neither memory nor a transcript is filled with hours that a damaged number makes up.
package struct ContainerTimes {
    /// What is put in front of the sound on its way out of ffmpeg: jumps of more than half a second, forward or back, are taken
    /// out and told in two lines: the time that was expected and the one that came, in seconds, the first -1 where a stream or
    /// a format begins. Less than that is left to `aresample`.
    package static let filter =
        "asetpts='st(2,T);"
        + "if(isnan(PREV_INPTS),"
        + "print(-1,32)*0+print(ld(2),32)*0+st(0,if(gt(abs(ld(2)),0.5),-ld(2),0)),"
        + "if(gt(abs(ld(2)-ld(1)),0.5),print(ld(1),32)*0+print(ld(2),32)*0+st(0,ld(0)-(ld(2)-ld(1))),0));"
        + "st(1,ld(2)+NB_SAMPLES/SR);(ld(2)+ld(0))/TB',"
        // The container's time line: what is left of holes is silence, what starts late starts late.
        + "aresample=async=1:first_pts=0"

    /// The demuxers of containers that have times. For others ffmpeg counts them itself, with jumps that are none.
    package static let containers: Set = [
        "asf", "avi", "flv", "matroska", "mov", "mpeg", "mpegts", "mxf", "ogg", "rm",
    ]

    /// Silence of more than this is believed only where the container is that long, in seconds.
    private static let maximumUnexplained = 600.0

    /// Seconds that came up to the last jump.
    private var came = 0.0
    /// The container's time there, as far as it is believed.
    private var clock = 0.0
    /// The time that the container gave behind the last jump.
    private var lastTime = 0.0
    private var isBegun = false
    /// Where the times first made a jump that cannot be, in seconds of what came.
    package private(set) var firstOddity: Double?

    package init() {}

    /// Takes a jump that the filter tells.
    /// - Parameters:
    ///   - before: the time that was expected; -1 at a beginning.
    ///   - after: the time that came.
    ///   - length: of the container, by its header; nil where that does not tell.
    /// - Returns: where silence belongs, in seconds of what comes; nil for none.
    package mutating func take(_ before: Double, _ after: Double, containerLength length: Double?) -> ADTSDamage.Hole? {
        let isFirst = !isBegun
        isBegun = true
        // Another format in the middle of the recording: the sound goes on there.
        let elapsed = isFirst ? 0 : (before == -1 ? after : before) - lastTime
        came += elapsed
        clock += elapsed
        lastTime = after
        let missing = after - clock
        guard isFirst || before != -1, abs(missing) > 0.5 else { return nil }
        let isPossible = length.map { after <= $0 + 5 } ?? (missing <= Self.maximumUnexplained)
        guard missing > 0, isPossible, came >= 0, after <= Loss.maximumRecording else {
            firstOddity = firstOddity ?? max(0, came)
            return nil
        }
        clock = after
        return ADTSDamage.Hole(place: came, length: missing)
    }
}
