# make build   binaries in build/release
# make demo    starts a daemon, replays a workload through it, prints a table   [TRACE=file]
# make check   builds and passes every test
# make bench   the benchmarks of bench/
# make format  formats the sources
# Each installs what is missing from Debian first.

JOBS ?= 2

.PHONY: build demo check bench format asan tsan fuzz clean
.DEFAULT_GOAL := build

build:
	@scripts/install_deps.sh build
	@scripts/quietly.sh "configuring" cmake --preset release
	@cmake --build --preset release -j $(JOBS)

demo: build
	@HALFLIFE_BUILD=build/release TRACE="$(TRACE)" scripts/demo.sh

check:
	@scripts/install_deps.sh build check
	@JOBS=$(JOBS) scripts/check.sh

asan tsan fuzz:
	@scripts/install_deps.sh build check
	cmake --workflow --preset $@

bench:
	@scripts/install_deps.sh build bench
	@cmake --preset release -DHL_BUILD_BENCH=ON >/dev/null
	@cmake --build --preset release -j $(JOBS)
	@bench/run.sh

format:
	@scripts/install_deps.sh check
	@scripts/format.sh --fix

clean:
	rm -rf build
