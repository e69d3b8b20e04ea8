# What a person types. How things are built is in CMakeLists.txt and CMakePresets.json.

PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
release = build/release/interlock

.PHONY: help demo test test-clients bench check build install clean

help:
	@echo 'make demo       build Interlock and watch it run a plan: half a minute, after the build'
	@echo 'make test       build with ASan and UBSan and run every test'
	@echo 'make test-clients  run real agent clients from npm against a model endpoint of our own (optional)'
	@echo 'make build      build $(release)'
	@echo 'make install    install it with its shell completion below PREFIX ($(PREFIX))'
	@echo 'make bench      measure it against its peers'
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

bench:
	@tools/deps build bench
	cmake --preset bench
	cmake --build --preset bench -j $(JOBS)
	@for bench in build/bench/bench/*_bench; do echo; echo "$$bench"; $$bench || exit 1; done

check:
	@tools/deps build test
	tools/check

install: build
	cmake --install build/release --prefix $(PREFIX)
	tools/install-completion $(release) $(PREFIX)

clean:
	rm -rf build
