# Everything a user or a contributor does is one of these. Each does what it needs first, set-up included.
.DEFAULT_GOAL := help
SHELL := /bin/bash
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 60

# For a graphics card: CUDA=1 (NVIDIA) or VULKAN=1, each in a build folder of its own. VULKAN=prebuilt: the usual program, linked
# into a folder beside a library that others built, which it loads (src/model/llama/backend_library.h).
prebuilt := build/release-prebuilt
gpu := $(strip $(if $(filter 1,$(CUDA)),cuda) $(if $(filter 1,$(VULKAN)),vulkan))
ifneq ($(and $(filter 1,$(CUDA)),$(filter 1 prebuilt,$(VULKAN))),)
$(error CUDA=1 and VULKAN=… make programs of their own; give one of them)
endif
release := release$(if $(gpu),-$(gpu))

.PHONY: help setup setup-tests build demo test lint lint-all attacks bench bench-quick lab interop fuzz sanitize sanitize-asan sanitize-tsan install clean

help:
	@echo "make demo    synthesise a few shipped questions with shipped models, and show one trace"
	@echo "make test    build and run all tests"
	@echo "make lab     the paper in miniature: pretraining, all methods, a table and a page (25 minutes)"
	@echo "make build   the program, at build/tessy; CUDA=1, VULKAN=1 or VULKAN=prebuilt: for a graphics card"
	@echo "make interop   the tests beside a real llama-server, which it builds"
	@echo "make attacks hostile programs against every level of the sandbox that can be tried here"
	@echo "make lint    clang-format, and clang-tidy over what changed within a day; make lint-all: over all"
	@echo "make bench   measure the engine, training (beside python3-torch), runs over servers, and reading and choosing questions"
	@echo "make bench-quick   each benchmark for a second, to see that it works"
	@echo "make sanitize   the tests under ASan+UBSan, then under TSan"
	@echo "make fuzz    every parser on inputs that are made up, for a minute each (FUZZ_SECONDS), under ASan+UBSan"
	@echo "make setup   what the others do first: packages and llama.cpp's source"

setup:
	@scripts/setup.sh

setup-tests:
	@scripts/setup.sh --tests

build/%/build.ninja: scripts/setup.sh third_party/npm.lock
	@scripts/setup.sh $(patsubst release-%,--%,$(filter release-%,$*))
	@cmake --preset $* >build/$*.configure.log || { cat build/$*.configure.log; exit 1; }

build: build/$(release)/build.ninja
	@cmake --build --preset $(release) -j $(JOBS) --target tessy
	@ln -sf $(release)/tessy build/tessy
ifeq ($(VULKAN),prebuilt)
	@scripts/setup.sh --vulkan-prebuilt
	@mkdir -p $(prebuilt)/gpu
	@ln -f build/release/tessy $(prebuilt)/tessy
	@[ ! -e build/release/tessy-train ] || ln -f build/release/tessy-train $(prebuilt)/tessy-train
	@ln -sf $(CURDIR)/build/deps/linux-x64-vulkan/bins/linux-x64-vulkan/libggml-{base,vulkan}.so $(prebuilt)/gpu/
	@ln -sf release-prebuilt/tessy build/tessy
endif

demo: build
	@scripts/demo.sh

test: build/$(release)/build.ninja
	@scripts/setup.sh --tests
	@cmake --build --preset $(release) -j $(JOBS)
	@ln -sf $(release)/tessy build/tessy
	@rm -rf build/$(release)/test-results
	@GTEST_OUTPUT=xml:$(CURDIR)/build/$(release)/test-results/ ctest --preset $(release)

sanitize: sanitize-asan sanitize-tsan

sanitize-asan sanitize-tsan: sanitize-%: build/%/build.ninja
	@scripts/setup.sh --tests
	@cmake --build --preset $* -j $(JOBS)
	@rm -rf build/$*/test-results
	@GTEST_OUTPUT=xml:$(CURDIR)/build/$*/test-results/ ctest --preset $*

# Every call takes another seed; inputs that break a parser lie in build/fuzz.
fuzz: build/asan/build.ninja
	@scripts/setup.sh --tests
	@cmake --build --preset asan -j $(JOBS) --target tessy_fuzz
	@build/asan/tests/fuzz/tessy_fuzz --list | xargs -P $(JOBS) -I{} build/asan/tests/fuzz/tessy_fuzz {} \
	  --seconds $(FUZZ_SECONDS) --seed $$RANDOM --findings build/fuzz

# As root also as a user without rights, who has levels B and C.
attacks: build/release/build.ninja
	@scripts/setup.sh --tests
	@cmake --build --preset release -j $(JOBS) --target attacks_test
	@scripts/attacks.sh build/release/src/judge/attacks_test

lint: build/release/build.ninja
	@scripts/lint.sh

lint-all: build/release/build.ninja
	@scripts/lint.sh --all

interop: build/release/build.ninja
	@cmake -S cmake/llama-server -B build/llama-server -G Ninja >build/llama-server.configure.log
	@cmake --build build/llama-server -j $(JOBS) --target llama-server >build/llama-server.build.log || { tail build/llama-server.build.log; exit 1; }
	@cmake --build build/release -j $(JOBS) --target tessy interop_test
	@build/release/tests/interop_test

lab: build
	@build/tessy lab run --seeds 2 --out build/lab

bench: build/release/build.ninja
	@cmake --build --preset release -j $(JOBS) --target tessy_bench tessy_training_bench tessy_server_bench tessy_duplicates_bench tessy_tables_bench tessy_judge_bench
	@build/release/tessy_bench
	@build/release/tessy_training_bench
	@build/release/tessy_server_bench
	@build/release/tessy_duplicates_bench
	@build/release/tessy_tables_bench
	@build/release/tessy_judge_bench

bench-quick: build/release/build.ninja
	@cmake --build --preset release -j $(JOBS) --target tessy_bench tessy_training_bench tessy_server_bench tessy_duplicates_bench tessy_tables_bench tessy_judge_bench
	@build/release/tessy_bench --quick
	@build/release/tessy_training_bench --quick
	@build/release/tessy_server_bench --quick
	@build/release/tessy_duplicates_bench --quick
	@build/release/tessy_tables_bench --quick
	@build/release/tessy_judge_bench --quick

clean:
	rm -rf build
