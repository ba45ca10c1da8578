# Entry points. Each target is a line or two; the work behind it stands in tools/, tests/ and bench/.
# Everything made lands in build/ and in cargo's target directory; `make clean` removes both.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PREFIX ?= /usr/local
DESTDIR ?=
VENV := build/venv/.made
CFLAGS ?= -O3
BENCH_C := $(CC) -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -pedantic $(CFLAGS)

.PHONY: help demo test lib python sdist node dist dist-test examples install bench sizing simulate soak fuzz coverage mutants fmt lint header abi-baseline clean test-deps
.PHONY: node-soak chat docs pictures bench-python bench-node

help: ## print these targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' Makefile

demo: examples python node ## C, Python and Node.js talk to each other, shown frame by frame
	tools/demo

chat: $(if $(filter c,$(SERVER)),examples,$(or $(SERVER),python)) ## a chat with a page: SERVER=c|python|node PORT=8000 HOST=127.0.0.1 RELAY=redis://…
	tools/chat $(or $(SERVER),python) $(or $(PORT),8000) $(HOST) $(if $(RELAY),--relay $(RELAY))

docs: build/docs-venv/.made bindings/node/node_modules/.package-lock.json ## build the documentation as a site into build/docs/site
	tools/docs

pictures: examples python node ## take the chat's pictures in docs/images anew
	PICTURES=docs/images tests/chat/check

test: lint examples python node build/docs-venv/.made ## lint, the Rust tests, then what crosses languages (tests/)
	cargo test --features ropeway-core/tracing
	python3 tests/run

lib: ## build the C library (release)
	@tools/need cargo cc
	cargo build --release --package ropeway-ffi

python: $(VENV) ## build the Python package into build/venv
	tools/python

sdist: python ## build the Python package's source distribution, and a wheel of it elsewhere, and try that: minutes
	tools/sdist

node: ## build the Node.js package in bindings/node
	tools/node

dist: lib python node ## lay all packages into build/dist: wheel, sdist, npm, Debian, source (VENDORED=1: with crates)
	tools/dist

dist-test: ## install each of them where nothing else is, and try it; build the source elsewhere and compare: minutes
	tools/dist-test

examples: lib $(VENV) ## build the example programs into build/bin
	tools/examples

install: lib ## lay library, header, pkg-config file and CMake package: PREFIX=, DESTDIR=
	tools/install "$(PREFIX)" "$(DESTDIR)"

bench: ## measure side by side, building what that needs: SUITE=echo|text|memory|…, ROWS='20Bx100 16KiB*'
	python3 bench/run.py $(if $(SUITE),--suite $(SUITE)) $(if $(ROWS),--rows '$(ROWS)')

bench-python: python
	build/venv/bin/pip --quiet --disable-pip-version-check install --requirement bench/python/requirements.txt

bench-node: node bench/node/node_modules/.package-lock.json

bench/node/node_modules/.package-lock.json: bench/node/package-lock.json
	npm ci --silent --no-audit --no-fund --prefix bench/node && touch $@

bench-core-%:
	cargo build --release --package ropeway-core --example $*

build/bench/certificate.pem:
	@mkdir -p $(@D)
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 365 -subj /CN=bench \
		-addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE -keyout $(@D)/key.pem -out $@

node-soak: node ## connections of Node.js: CONNECTIONS=100000 opened and closed, OPEN=10000 at once
	ulimit -n $$(ulimit -Hn) && ROPEWAY_MANY=$(or $(CONNECTIONS),100000) ROPEWAY_OPEN=$(or $(OPEN),10000) \
		node --test --test-name-pattern='^(many )?connections' bindings/node/test/process.test.js

sizing: examples ## what a node holds and a message costs a broker, and what follows for many users: RECORD=1
	tools/sizing

simulate: ## simulated connections: OF=protocol|engine|all SEEDS=100000 FIRST=0; RECORD=1 adds the run to docs/runs.tsv
	tools/simulate $(or $(OF),all) $(or $(SEEDS),100000) $(FIRST)

soak: ## a server among clients that misbehave: MINUTES=10 CONNECTIONS=1000; RECORD=1 as above
	tools/soak $(or $(MINUTES),10) $(or $(CONNECTIONS),1000)

fuzz: ## fuzz one target, or all of them: TARGET=server SECONDS=60; RECORD=1 as above
	tools/fuzz $(if $(TARGET),run $(TARGET),all) $(or $(SECONDS),60)

coverage: ## which lines of core and ffi the tests reach: RECORD=1
	tools/coverage

mutants: ## whether tests notice changes to a module, one at a time: MODULE=frame SHARD=0/20
	tools/mutants $(or $(MODULE),frame) $(SHARD)

fmt: ## format the Rust sources
	cargo fmt --all

lint: ## formatting, clippy and rustdoc, each without a warning
	@tools/need cargo
	tools/lint

header: ## generate include/ropeway.h anew
	tools/header

abi-baseline: examples ## a release: what the C interface promises from now on (docs/abi.md)
	tests/abi/check_baseline --write

clean: ## remove all that was built
	rm -rf build && cargo clean

test-deps: ## install what the tests want beyond Rust, C and Python (apt; root)
	tools/test-deps

build/bin/floor: bench/floor/floor.c
	@tools/need cc && mkdir -p $(@D)
	$(BENCH_C) -o $@ $^ -lssl -lcrypto

build/bin/load: $(wildcard bench/load/*.c) $(wildcard bench/load/*.h)
	@tools/need cc && mkdir -p $(@D)
	$(BENCH_C) -o $@ $(filter %.c,$^) -lssl -lcrypto -lz

bench-rust-%:
	cargo build --release --manifest-path bench/peers/rust/Cargo.toml --target-dir build/peers --package peer-$*

build/bin/peer_%: bench/peers/c/%
	@tools/need cc c++ && mkdir -p $(@D)
	bench/peers/c/build $< $@

build/bin/users: bench/polling/users.c $(addprefix bench/load/,wire.c stream.c compress.c) $(wildcard bench/load/*.h)
	@tools/need cc && mkdir -p $(@D)
	$(BENCH_C) -o $@ $(filter %.c,$^) -lssl -lcrypto -lz

build/bin/poll_server: bench/polling/poll_server.c
	@tools/need cc && mkdir -p $(@D)
	$(BENCH_C) -o $@ $^ -levent_core -levent_extra

bindings/node/node_modules/.package-lock.json: bindings/node/package-lock.json
	@tools/need npm
	cd bindings/node && npm ci --silent --no-audit --no-fund

build/docs-venv/.made: docs/requirements.txt
	tools/venv $(@D) $< && touch $@

build/bench/venv/.made: bench/requirements.txt
	tools/venv $(@D) $< && touch $@

$(VENV): tests/requirements.txt
	tools/venv build/venv $< && touch $@
