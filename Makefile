# netimg: everything a person or CI does, in one place. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

RELEASE := .build/release
STAGE0_BUILD := .build/stage0
NETIMG := $(RELEASE)/netimg
SWIFT_SOURCES := Sources Tests Fuzz bench Package.swift

# Debian packages: to build, and to test and demonstrate on top.
BUILD_PACKAGES := gcc g++ libc6-dev git pkg-config libarchive-dev libcurl4-openssl-dev libgit2-dev \
  libsodium-dev libsolv-dev libsolvext-dev libsqlite3-dev libssl-dev libyaml-dev libzstd-dev \
  debian-archive-keyring gpgv python3
TEST_PACKAGES := qemu-system-x86 ovmf swtpm swtpm-tools erofs-utils cryptsetup-bin systemd-boot-efi sbsigntool efitools \
  strace kmod cpio attr openssl gpg dpkg-dev libarchive-tools faketime python3-jsonschema python3-yaml python3-debian \
  systemd openssh-client openssh-server debsecan zstd busybox curl atftp tftp-hpa python3-securesystemslib ipxe iproute2 isc-dhcp-client dnsmasq-base \
  kea-admin kea-dhcp4-server nginx-light wrk netbase procps rsync
# Peers to measure beside, and libraries of those that are only unpacked, because they conflict with each other.
BENCH_PACKAGES := mmdebstrap libwrap0 libpcre2-8-0
PEERS := atftpd tftpd-hpa

.PHONY: help setup setup-test build stage0 test tutorial interop demo bench lint format fuzz docs clean

help:  ## This list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

setup:  ## Install what the build needs (Debian; asks for root only if something is missing)
	@tools/install-packages $(BUILD_PACKAGES)

setup-test: setup
	@tools/install-packages $(TEST_PACKAGES)

build: setup stage0  ## Release binaries in .build/release
	@tools/pinned tools/quietly "netimg" swift build -c release --product netimg
	@install -m 0755 $(STAGE0_BUILD)/release/netimg-init $(RELEASE)/netimg-init

stage0:  ## The initrd's first program: static, Embedded Swift
	@tools/build-stage0 $(STAGE0_BUILD)

test: setup-test build  ## Every test; those that need root, QEMU or a kernel feature say so when they skip
	@NETIMG_BIN=$(CURDIR)/$(NETIMG) tools/test
	@tools/tutorial

tutorial: setup-test build  ## Follow docs/tutorial.md word for word
	@tools/tutorial

interop: setup-test build  ## Compare with current Python packages, in an environment of their own
	@tools/install-packages python3-venv
	@NETIMG_BIN=$(CURDIR)/$(NETIMG) tools/interop

demo: setup-test build  ## Lock, build and PXE-boot a real image in QEMU, and show what came of it
	@NETIMG_BIN=$(CURDIR)/$(NETIMG) tools/demo

bench: setup-test build  ## Times and sizes beside the peers, in one run
	@tools/install-packages $(BENCH_PACKAGES)
	@tools/peers .build/peers $(PEERS)
	@tools/pinned tools/quietly "netimg-bench" swift build -c release --product netimg-bench
	@tools/pinned tools/quietly "netimg-netbench" swift build -c release --product netimg-netbench
	@NETIMG_BIN=$(CURDIR)/$(NETIMG) bench/run
	@NETIMG_BIN=$(CURDIR)/$(NETIMG) BENCH_SECONDS=300 bench/channels
	@NETIMG_BIN=$(CURDIR)/$(NETIMG) timeout 300 bench/http
	@NETIMG_BIN=$(CURDIR)/$(NETIMG) timeout 900 bench/netboot

lint: build  ## swift format, warnings as errors, generated files up to date
	@swift format lint --strict --recursive $(SWIFT_SOURCES)
	@tools/lint-shell
	@NETIMG_BIN=$(CURDIR)/$(NETIMG) tools/docs --check

docs: build  ## Write docs/cli.md and docs/man anew, from the commands' own definitions
	@NETIMG_BIN=$(CURDIR)/$(NETIMG) tools/docs

format:  ## Rewrite the sources in the project's style
	@swift format --in-place --recursive $(SWIFT_SOURCES)

fuzz: setup  ## Feed hostile bytes to every parser, for FUZZ_TOTAL_SECONDS (default 600)
	@tools/fuzz

clean:  ## Forget every build
	@rm -rf .build out
