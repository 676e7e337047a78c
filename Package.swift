// swift-tools-version: 6.2
import PackageDescription

let log = Target.Dependency.product(name: "Logging", package: "swift-log")
let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let toml = Target.Dependency.product(name: "TOMLKit", package: "TOMLKit")
let metrics = Target.Dependency.product(name: "CoreMetrics", package: "swift-metrics")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "parlograph",
    products: [.executable(name: "parlograph", targets: ["parlograph"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
    ],
    targets: [
        // C libraries: a module map and an inline shim each. CLinux, CSherpaONNX and CICU also compile files.
        .systemLibrary(
            name: "CSndfile", path: "Sources/C/CSndfile", pkgConfig: "sndfile", providers: [.apt(["libsndfile1-dev"])]),
        .systemLibrary(
            name: "CFLAC", path: "Sources/C/CFLAC", pkgConfig: "flac", providers: [.apt(["libflac-dev"])]),
        .systemLibrary(
            name: "CMpg123", path: "Sources/C/CMpg123", pkgConfig: "libmpg123", providers: [.apt(["libmpg123-dev"])]),
        .systemLibrary(
            name: "CSoxr", path: "Sources/C/CSoxr", pkgConfig: "soxr", providers: [.apt(["libsoxr-dev"])]),
        .systemLibrary(
            name: "CCurl", path: "Sources/C/CCurl", pkgConfig: "libcurl",
            providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(
            name: "CLibcrypto", path: "Sources/C/CLibcrypto", pkgConfig: "libcrypto",
            providers: [.apt(["libssl-dev"])]),
        // Without pkg-config, which would link the 30 MB of data as well: libicuuc does that. From libicu-dev.
        .target(name: "CICU", path: "Sources/C/CICU", linkerSettings: [.linkedLibrary("icuuc")]),
        .systemLibrary(name: "CZlib", path: "Sources/C/CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        // The header comes from packaging/fetch-engine.sh; the library is opened at run time.
        .target(
            name: "CSherpaONNX", path: "Sources/C/CSherpaONNX",
            cSettings: [.headerSearchPath("../../../.build-engine/include")]),
        .target(name: "CLinux", path: "Sources/C/CLinux", linkerSettings: [.linkedLibrary("seccomp")]),

        .target(name: "SystemSupport", dependencies: ["CLinux", "CLibcrypto", log, metrics, system, subprocess]),
        .target(name: "Transcription", dependencies: ["SystemSupport", "CICU", "CZlib", log, system]),
        .target(name: "AudioContainers"),
        .target(
            name: "AudioInput",
            dependencies: [
                "AudioContainers", "Transcription", "SystemSupport", "CLinux", "CSndfile", "CFLAC", "CMpg123", "CSoxr",
                system, subprocess,
            ]),
        .target(
            name: "Engines",
            dependencies: [
                "Transcription", "SystemSupport", "CCurl", "CFLAC", "CSndfile", "CZlib", "CSherpaONNX", "CLinux", log,
                system, subprocess,
            ]),
        .target(
            name: "TranscriptCache", dependencies: ["Transcription", "SystemSupport", log, metrics, system, grdb]),
        .target(
            name: "Inbox",
            dependencies: [
                "AudioContainers", "Transcription", "SystemSupport", "CLinux", log, metrics, system, grdb, lifecycle,
            ]),
        .target(
            name: "ParlographCommands",
            dependencies: [
                "Inbox", "Engines", "AudioInput", "TranscriptCache", "Transcription", "SystemSupport", log, metrics,
                system, lifecycle, signals, toml, arguments,
            ]),
        .executableTarget(name: "parlograph", dependencies: ["ParlographCommands"]),

        .target(
            name: "TestSupport", dependencies: ["Transcription", "SystemSupport", "CSndfile", log, system],
            path: "Tests/TestSupport"),
        // Plays decoder processes that misbehave.
        .executableTarget(name: "DecoderFixture", dependencies: ["AudioInput"], path: "Tests/DecoderFixture"),
        // The recognizer process by itself, and ones that misbehave.
        .executableTarget(name: "RecognizerFixture", dependencies: ["Engines"], path: "Tests/RecognizerFixture"),
        .testTarget(name: "SystemSupportTests", dependencies: ["SystemSupport", "TestSupport", log, metrics, system]),
        .testTarget(
            name: "TranscriptionTests", dependencies: ["Transcription", "SystemSupport", "TestSupport", log, system]),
        .testTarget(name: "AudioContainersTests", dependencies: ["AudioContainers", "TestSupport", system]),
        .testTarget(
            name: "AudioInputTests",
            dependencies: [
                "AudioInput", "AudioContainers", "DecoderFixture", "CLinux", "Transcription", "SystemSupport",
                "TestSupport", log, system,
            ]),
        .testTarget(
            name: "EnginesTests",
            dependencies: [
                "Engines", "RecognizerFixture", "Transcription", "SystemSupport", "TestSupport", log, system,
            ]),
        .testTarget(
            name: "TranscriptCacheTests",
            dependencies: ["TranscriptCache", "Transcription", "SystemSupport", "TestSupport", log, system, grdb]),
        .testTarget(
            name: "InboxTests",
            dependencies: ["Inbox", "Transcription", "SystemSupport", "TestSupport", log, system, lifecycle]),
        .testTarget(
            name: "CommandTests",
            dependencies: [
                "parlograph", "ParlographCommands", "Inbox", "Engines", "AudioInput", "TranscriptCache",
                "Transcription",
                "SystemSupport", "TestSupport", log, system, subprocess,
            ]),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)

let cLibraries: Set<String> = [
    "CSndfile", "CFLAC", "CMpg123", "CSoxr", "CCurl", "CLibcrypto", "CICU", "CZlib", "CSherpaONNX", "CLinux",
]
for target in package.targets where !cLibraries.contains(target.name) {
    target.swiftSettings = [
        .enableUpcomingFeature("ExistentialAny"),  // SE-0335
        .enableUpcomingFeature("MemberImportVisibility"),  // SE-0444
        .enableUpcomingFeature("InternalImportsByDefault"),  // SE-0409
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),  // SE-0461
        .treatAllWarnings(as: .error),
    ]
}
