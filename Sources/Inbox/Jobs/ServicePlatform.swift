/// What the service has of the machine and a test replaces.
package struct ServicePlatform: Sendable {
    /// By which recordings settle and grow old; never goes back.
    package var clock: @Sendable () -> Duration
    /// Begins to watch an inbox; nil: as `Intake` does.
    package var makeWatcher: Intake.MakeWatcher?
    /// How a stop that does not come to its end is waited for.
    package var shutdownWait: ShutdownGuard.Wait

    package init(
        clock: @escaping @Sendable () -> Duration = Intake.sinceStart(), makeWatcher: Intake.MakeWatcher? = nil,
        shutdownWait: @escaping ShutdownGuard.Wait = ShutdownGuard.wait
    ) {
        self.clock = clock
        self.makeWatcher = makeWatcher
        self.shutdownWait = shutdownWait
    }
}
