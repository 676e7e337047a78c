import Logging
import SystemPackage
import SystemSupport

/// What the log tells of one inbox and of the recordings that are arriving there.
struct IntakeLog: Sendable {
    let logger: Logger
    let inbox: FilePath

    private var place: Logger.Metadata { ["inbox": "\(inbox.printable)"] }

    private func place(_ more: Logger.Metadata) -> Logger.Metadata { place.merging(more) { $1 } }

    /// - Parameters:
    ///   - fault: what is wrong with its place.
    ///   - isOther: a folder that is not the one of before; else the one that was lost.
    func rootIsThere(_ fault: FolderFault.Kind?, isOther: Bool) {
        switch fault {
        case .unmounted: logger.warning("inbox is not mounted any more, looking at its mount point", metadata: place)
        case .replaced: logger.warning("inbox is another folder now, mounted over it or put there", metadata: place)
        case _ where isOther: logger.notice("inbox was mounted, looking there", metadata: place)
        default: logger.notice("inbox is there again", metadata: place)
        }
    }

    func isOnNetwork(every interval: Duration) {
        logger.notice(
            "inbox is on a network file system, which gives no events for what others do: it is scanned",
            metadata: place(["every": "\(interval)"]))
    }

    func cannotBeWatched(_ error: any Error, every interval: Duration) async {
        let limits = await InotifyLimits.metadata()
        logger.warning(
            "inbox cannot be watched, it is scanned instead",
            metadata: place(limits).merging(["error": "\(error)", "every": "\(interval)"]) { $1 })
    }

    /// - Parameter count: of folders without a watch.
    func partlyWatched(_ count: Int, every interval: Duration) async {
        let limits = await InotifyLimits.metadata()
        logger.warning(
            "sub-folders cannot be watched, the inbox is scanned as well",
            metadata: place(limits).merging(["folders": "\(count)", "every": "\(interval)"]) { $1 })
    }

    /// - Parameter isRootGone: the inbox itself is not where it was; else there were more events than the kernel keeps.
    func eventsLost(isRootGone: Bool) {
        logger.warning(
            isRootGone ? "inbox was moved or deleted, looking for it" : "events were lost, scanning the inbox",
            metadata: place)
    }

    func folderCannotBeRead(_ fault: String) {
        logger.warning("folder cannot be read", metadata: place(["error": "\(fault)"]))
    }

    func leftOut(_ folder: RawName) {
        logger.notice(
            "folder is left out: its name is that of temporary or system files, or it lies too deep",
            metadata: place(["folder": "\(folder.printable)"]))
    }

    func notRegular(_ file: RawName) {
        logger.notice("not a regular file, left alone", metadata: place(["file": "\(file.printable)"]))
    }

    func cannotBeTaken(_ recording: RawName, _ error: any Error) {
        logger.error(
            "recording cannot be taken, it is tried again",
            metadata: ["file": "\(recording.printable)", "error": "\(error)"])
    }

    func leftForeign(_ path: RawName) {
        logger.info("file is no recording, it is left where it is", metadata: ["file": "\(path.printable)"])
    }

    func leftSubtitled(_ path: RawName) {
        logger.info("recording has subtitles beside it, it is left alone", metadata: ["file": "\(path.printable)"])
    }

    func say(_ remark: CompletenessRule.Remark, of recording: RawName) {
        var metadata: Logger.Metadata = ["file": "\(recording.printable)"]
        switch remark {
        case .unreadable(let errno):
            metadata["error"] = "\(errno)"
            logger.warning("recording cannot be read", metadata: metadata)
        case .noteUnreadable:
            logger.warning("recording stays unreadable, it is left in the inbox", metadata: metadata)
        case .stillOpen:
            logger.warning("recording is not written to any more, but still open", metadata: metadata)
        case .short(let shortfall), .note(let shortfall):
            metadata["arrived"] = "\(shortfall.arrived)"
            if let expected = shortfall.expected {
                metadata["expected"] = "\(expected)"
                metadata["missing"] = "\(expected - shortfall.arrived)"
            }
            if case .short = remark {
                logger.notice("recording is not complete, waiting for the rest", metadata: metadata)
            } else {
                logger.warning("recording stays incomplete, it is left in the inbox", metadata: metadata)
            }
        }
    }
}
