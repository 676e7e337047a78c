# The way from a fresh checkout to a running program. Each target does its own set-up.
#   make demo [RECORDING=talk.mp3]   see speech become text
#   make check                       build and run all tests
#   make build, make install DESTDIR=…   for packagers (no apt); the offline engine's parts: see packaging/fetch-engine.sh
#   make deb                         parlograph_VERSION_ARCHITECTURE.deb, parlograph-model-moonshine-tiny-en_VERSION_all.deb
#   make lab                         the package tried in a fresh Debian; lab-boot: with a real systemd; lab-samba; lab-nfs; lab-stops

SHELL := /bin/sh
PREFIX ?= /usr
SWIFT ?= swift
BUILD := $(SWIFT) build -c release --explicit-target-dependency-import-check error
# The program carries the Swift runtime in itself: it starts in 10 ms and needs no Swift where it runs. The testing
# library exists only as a shared one, so the tests are a build of their own; they run this program.
PROGRAM_FOLDER := .build-program
# -z now: all symbols are bound at the start, and their table is read-only then.
PROGRAM := $(BUILD) --static-swift-stdlib -Xlinker -z -Xlinker relro -Xlinker -z -Xlinker now --scratch-path $(PROGRAM_FOLDER) --product parlograph
BINARY := $(PROGRAM_FOLDER)/release/parlograph

BUILD_PACKAGES := libsndfile1-dev libflac-dev libmpg123-dev libsoxr-dev libcurl4-openssl-dev libsqlite3-dev \
  libssl-dev libseccomp-dev libicu-dev zlib1g-dev pkg-config python3-pip
DEMO_PACKAGES := flite lame
TEST_PACKAGES := $(DEMO_PACKAGES) ffmpeg flac vorbis-tools opus-tools sox openssl python3 bzip2
DEB_PACKAGES := build-essential debhelper fakeroot
LINT_PACKAGES := lintian mandoc shellcheck systemd samba-common-bin zsh fish python3
LAB_PACKAGES := mmdebstrap systemd-container flite lame sox

.PHONY: demo check build install lint test swift-present deb lab lab-lint lab-chroot lab-boot lab-samba lab-nfs lab-stops

demo: swift-present
	@sh packaging/install-packages.sh $(BUILD_PACKAGES) $(DEMO_PACKAGES)
	@sh packaging/fetch-engine.sh
	@$(PROGRAM)
	@sh packaging/demo.sh $(BINARY) "$(RECORDING)"

check: swift-present
	@sh packaging/install-packages.sh $(BUILD_PACKAGES) $(TEST_PACKAGES)
	@$(MAKE) --no-print-directory lint test

lint: swift-present
	$(SWIFT) format lint --strict --recursive Sources Tests Package.swift

# SWIFT_BACKTRACE: a crash in a test must fail it, not start a debugger that waits.
test: build
	$(BUILD) --build-tests
	SWIFT_BACKTRACE=enable=no PARLOGRAPH_PROGRAM=$(CURDIR)/$(BINARY) $(SWIFT) test -c release --skip-build

build: swift-present
	sh packaging/fetch-engine.sh
	$(PROGRAM)

# Needs the program built. UNIT_DIR: Debian 12 wants units in /lib. ENGINE: what packaging/fetch-engine.sh has made.
UNIT_DIR ?= $(PREFIX)/lib/systemd/system
ENGINE ?= .build-engine
MODEL := moonshine-tiny-en
SHARE := $(DESTDIR)$(PREFIX)/share
install:
	install -D -m 755 $(BINARY) $(DESTDIR)$(PREFIX)/bin/parlograph
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/parlograph $(ENGINE)/lib/libsherpa-onnx-c-api.so \
	  $(ENGINE)/lib/libonnxruntime.so $(ENGINE)/lib/silero_vad.onnx
	install -D -m 644 -t $(SHARE)/parlograph/models/$(MODEL) $(addprefix $(ENGINE)/models/$(MODEL)/,encoder_model.ort \
	  decoder_model_merged.ort tokens.txt model.toml)
	install -D -m 644 etc/parlograph.toml $(DESTDIR)/etc/parlograph/parlograph.toml
	install -d $(DESTDIR)/etc/parlograph/conf.d
	install -d $(DESTDIR)$(UNIT_DIR)
	for unit in parlograph.service parlograph@.service; do \
	  sed 's|/usr/bin/parlograph|$(PREFIX)/bin/parlograph|' etc/systemd/$$unit > $(DESTDIR)$(UNIT_DIR)/$$unit && \
	  chmod 644 $(DESTDIR)$(UNIT_DIR)/$$unit; done
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/sysusers.d etc/sysusers.d/parlograph.conf
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/tmpfiles.d etc/tmpfiles.d/parlograph.conf
	install -D -m 644 -t $(SHARE)/man/man1 man/parlograph.1
	install -D -m 644 -t $(SHARE)/man/man5 man/parlograph.toml.5
	install -D -m 644 -t $(SHARE)/man/man8 man/parlograph.8
	install -D -m 644 -t $(SHARE)/doc/parlograph docs/operating.md docs/engines.md docs/performance.md README.md THIRD_PARTY
	install -D -m 644 -t $(SHARE)/doc/parlograph/examples etc/examples/*
	install -d $(SHARE)/bash-completion/completions $(SHARE)/zsh/vendor-completions $(SHARE)/fish/vendor_completions.d
	$(BINARY) --generate-completion-script bash | sed "1{/^#!/d}" > $(SHARE)/bash-completion/completions/parlograph
	$(BINARY) --generate-completion-script zsh > $(SHARE)/zsh/vendor-completions/_parlograph
	$(BINARY) --generate-completion-script fish > $(SHARE)/fish/vendor_completions.d/parlograph.fish

# PROGRAM_READY: a program that is built already; otherwise it is built first, which needs the network for SwiftPM.
PROGRAM_READY ?=
deb:
	@sh packaging/install-packages.sh $(DEB_PACKAGES)
	$(if $(PROGRAM_READY),,@$(MAKE) --no-print-directory build)
	@sh packaging/fetch-engine.sh
	sh packaging/build-package.sh $(or $(PROGRAM_READY),$(BINARY)) .

# What holds of the package, tried in a fresh Debian 12: as root, with the Debian mirror of this machine.
lab: lab-lint lab-chroot
lab-lint:
	@sh packaging/install-packages.sh $(DEB_PACKAGES) $(LINT_PACKAGES)
	sh packaging/lab/lint.sh .
lab-chroot:
	@sh packaging/install-packages.sh $(LAB_PACKAGES)
	sh packaging/lab/chroot.sh .
lab-boot:
	@sh packaging/install-packages.sh $(LAB_PACKAGES)
	sh packaging/lab/boot.sh .
lab-stops:
	@sh packaging/install-packages.sh $(LAB_PACKAGES) ffmpeg flac
	/usr/bin/python3 packaging/lab/stops.py $(or $(PROGRAM_READY),$(BINARY))
	sh packaging/lab/boot.sh . stops-inside.sh
lab-nfs:
	@sh packaging/install-packages.sh $(LAB_PACKAGES) user-mode-linux e2fsprogs
	sh packaging/lab/nfs.sh .
lab-samba:
	@sh packaging/install-packages.sh samba samba-vfs-modules smbclient python3-impacket
	/usr/bin/python3 packaging/lab/samba.py $(or $(PROGRAM_READY),$(BINARY))

swift-present:
	@command -v $(SWIFT) >/dev/null 2>&1 || { \
	  echo 'Swift 6.2 or newer is needed. Get it for Debian 12 from https://www.swift.org/install/linux/'; \
	  echo '(unpack the archive and put its usr/bin into PATH), then run this command again.'; \
	  exit 1; } >&2
