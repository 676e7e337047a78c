/// What follows from what a run of ffmpeg says of the tracks of a file.
extension ExternalReading {
    /// With the tracks that have no decoder here.
    func tried(_ report: ExternalReport) -> TrackTrials {
        var tried = tried
        for (place, track) in report.tracks.enumerated() where report.undecodable.contains(track.stream) {
            tried.unusable.insert(place)
        }
        return tried
    }

    /// Nil where nothing is known of the tracks, or none is left.
    func choice(_ report: ExternalReport, _ language: String?) -> TrackChoice? {
        TrackChoice(of: report.tracks, language: language, tried: tried(report))
    }

    /// What to do instead, now that all tracks are known; nil: to go on.
    func afterTracks(_ report: ExternalReport, _ language: String?) -> ExternalReading? {
        guard let choice = choice(report, language), choice.taken != tracks else { return nil }
        return taking(choice, tried(report))
    }

    /// What to try when nothing came out; nil: nothing is left.
    func afterNothing(_ report: ExternalReport, _ language: String?) -> ExternalReading? {
        var tried = tried(report)
        if tried == self.tried {
            if tracks.count > 1 { tried.allowsMix = false } else { tried.unusable.formUnion(tracks) }
        }
        guard let choice = TrackChoice(of: report.tracks, language: language, tried: tried) else { return nil }
        return taking(choice, tried)
    }

    private func taking(_ choice: TrackChoice, _ tried: TrackTrials) -> ExternalReading {
        var next = self
        (next.tracks, next.tried, next.gainDecibels) = (choice.taken, tried, nil)
        return next
    }

    /// Measures what has to be measured before it is decoded: the level of what has more than 16 bits and of a mix, which
    /// may be above full scale, and whether anything is to be heard in one of several tracks. Nil where there is nothing
    /// to measure.
    func meter(for report: ExternalReport) -> LevelMeter? {
        guard gainDecibels == nil, report.tracks.count > 1 || depth(in: report) != .plain else { return nil }
        return LevelMeter(isBounded: tracks.count == 1 && depth(in: report) != .float)
    }

    private func depth(in report: ExternalReport) -> SampleDepth {
        let depths = tracks.map { report.tracks.indices.contains($0) ? report.tracks[$0].depth : .plain }
        return depths.contains(.float) ? .float : depths.contains(.integer) ? .integer : .plain
    }

    /// What to do now that the meter has seen enough.
    func measured(by meter: LevelMeter, _ report: ExternalReport, _ language: String?) -> ExternalReading {
        var next = self
        if tracks.count == 1, report.tracks.count > 1, meter.isSilent {
            next.tried.silent.formUnion(tracks)
            if let other = next.choice(report, language), other.taken != tracks {
                next.tracks = other.taken
                if other.taken.allSatisfy({ !next.tried.silent.contains($0) }) { return next }
            }
        }
        let gain = meter.isSilent ? 0 : meter.gainDecibels
        next.gainDecibels = depth(in: report) == .plain ? (tracks.count > 1 ? min(0, gain) : 0) : gain
        return next
    }

    /// The centre channel of the one track that is taken; nil where its layout has none, or is a guess.
    func centre(in report: ExternalReport) -> Int? {
        guard tracks.count == 1, report.tracks.indices.contains(tracks[0]) else { return nil }
        let track = report.tracks[tracks[0]]
        return report.guessedLayouts.contains(track.stream) ? nil : ChannelLayout.centre(named: track.layout)
    }
}
