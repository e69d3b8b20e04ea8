# What a person types. How things are built is in CMakeLists.txt and CMakePresets.json.

PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
release = build/release/interlock

.PHONY: help demo test test-clients test-page test-package test-mcp bench check build install package clean

help:
	@echo 'make demo       build Interlock and watch it run a plan: half a minute, after the build'
	@echo 'make test       build with ASan and UBSan and run every test'
	@echo 'make test-clients  run real agent clients from npm against a model endpoint of our own (optional)'
	@echo 'make build      build $(release)'
	@echo 'make install    install it with its shell completion below PREFIX ($(PREFIX))'
	@echo 'make package    a .deb for this Debian and a tarball that runs from anywhere, in build/packages'
	@echo 'make test-page  look at the page with a real browser (optional)'
	@echo 'make test-package  try the packages in a bare Debian 12 (optional; as root)'
	@echo 'make test-mcp   talk to the MCP server with the SDKs and the inspector from npm (optional)'
	@echo 'make bench      measure it against its peers; some rows: make bench BENCH="plan dispatch"'
	@echo 'make check      what a change must pass, step by step (tools/check)'
	@echo 'make clean      remove build/'

demo: build
	@tools/demo $(release)

build:
	@tools/deps build
	cmake --preset release
	cmake --build --preset release -j $(JOBS)

test:
	@tools/deps build test
	cmake --preset dev
	cmake --build --preset dev -j $(JOBS)
	ctest --test-dir build/dev --output-on-failure -j $(JOBS)

# Needs node and npm; the network only to install.
test-clients:
	@tools/deps build test
	cmake --preset dev
	cmake --build --preset dev -j $(JOBS) --target interlock model_endpoint
	tools/test-clients build/dev $(SUITE)

# Needs node, npm and chromium; says so where they are missing.
test-page:
	@tools/deps build test
	cmake --preset dev
	cmake --build --preset dev -j $(JOBS) --target interlock
	tools/test-page build/dev

test-package: build
	tools/test-package build/release

test-mcp:
	@tools/deps build test
	cmake --preset dev
	cmake --build --preset dev -j $(JOBS) --target interlock
	tools/test-mcp build/dev

bench:
	@tools/deps build bench
	cmake --preset bench
	cmake --build --preset bench -j $(JOBS)
	@bench/peers.py build/bench/interlock --programs build/bench/bench --endpoint build/bench/tests/endpoint/model_endpoint \
	  --json build/bench/peers.json --markdown build/bench/peers.md --svg build/bench \
	  $(if $(wildcard build/dev/clients),--clients build/dev/clients) $(if $(PAGE),--page $(PAGE)) $(BENCH)
	@for bench in growth_bench executor_bench decision_bench; do echo; echo "$$bench"; build/bench/bench/$$bench || exit 1; done

check:
	@tools/deps build test
	tools/check

install: build
	cmake --install build/release --prefix $(PREFIX)
	tools/install-completion $(release) $(PREFIX)

package: build
	tools/package $(release) build/packages

clean:
	rm -rf build
