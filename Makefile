# The way from a fresh checkout to a running program. Each target does its own set-up.
#   make demo [RECORDING=talk.mp3]   see speech become text
#   make check                       build and run all tests
#   make build, make install DESTDIR=…   for packagers (no network, no apt)

SHELL := /bin/sh
PREFIX ?= /usr
SWIFT ?= swift
BUILD := $(SWIFT) build -c release --explicit-target-dependency-import-check error
# The program carries the Swift runtime in itself: it starts in 10 ms and needs no Swift where it runs. The testing
# library exists only as a shared one, so the tests are a build of their own; they run this program.
PROGRAM_FOLDER := .build-program
PROGRAM := $(BUILD) --static-swift-stdlib --scratch-path $(PROGRAM_FOLDER) --product parlograph
BINARY := $(PROGRAM_FOLDER)/release/parlograph

BUILD_PACKAGES := libsndfile1-dev libmpg123-dev libsoxr-dev libcurl4-openssl-dev libsqlite3-dev libssl-dev \
  libseccomp-dev libpocketsphinx-dev libsphinxbase-dev pkg-config
RUN_PACKAGES := pocketsphinx-en-us
DEMO_PACKAGES := flite lame
TEST_PACKAGES := $(DEMO_PACKAGES) ffmpeg flac vorbis-tools opus-tools sox openssl python3

.PHONY: demo check build install lint test swift-present

demo: swift-present
	@sh packaging/install-packages.sh $(BUILD_PACKAGES) $(RUN_PACKAGES) $(DEMO_PACKAGES)
	@$(PROGRAM)
	@sh packaging/demo.sh $(BINARY) "$(RECORDING)"

check: swift-present
	@sh packaging/install-packages.sh $(BUILD_PACKAGES) $(RUN_PACKAGES) $(TEST_PACKAGES)
	@$(MAKE) --no-print-directory lint test

lint: swift-present
	$(SWIFT) format lint --strict --recursive Sources Tests Package.swift

# SWIFT_BACKTRACE: a crash in a test must fail it, not start a debugger that waits.
test: build
	$(BUILD) --build-tests
	SWIFT_BACKTRACE=enable=no PARLOGRAPH_PROGRAM=$(CURDIR)/$(BINARY) $(SWIFT) test -c release --skip-build

build: swift-present
	$(PROGRAM)

install:
	install -D -m 755 $(BINARY) $(DESTDIR)$(PREFIX)/bin/parlograph
	install -D -m 644 etc/parlograph.toml $(DESTDIR)/etc/parlograph/parlograph.toml
	install -D -m 644 man/parlograph.1 $(DESTDIR)$(PREFIX)/share/man/man1/parlograph.1
	install -D -m 644 man/parlograph.toml.5 $(DESTDIR)$(PREFIX)/share/man/man5/parlograph.toml.5

swift-present:
	@command -v $(SWIFT) >/dev/null 2>&1 || { \
	  echo 'Swift 6.2 or newer is needed. Get it for Debian 12 from https://www.swift.org/install/linux/'; \
	  echo '(unpack the archive and put its usr/bin into PATH), then run this command again.'; \
	  exit 1; } >&2
