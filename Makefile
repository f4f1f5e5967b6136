# Commands of the project. Each exits non-zero when what it checks does not hold.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
TOOLS := target/tools
VENV := target/venv
NPM := target/npm
CYCLES ?= 500
CUTS ?= 100
DATA ?= ../shared/data
export PATH := $(CURDIR)/$(TOOLS)/bin:$(PATH)

.PHONY: test lint unit blackbox crash stress-queue bench-queue bench replay bundle tools-lint tools-test

## Everything: unit, golden, property, store and black-box tests.
test: unit blackbox

unit: tools-postgres
	command -v cargo-nextest >/dev/null || cargo install cargo-nextest --locked --root $(TOOLS)
	cargo nextest run --no-fail-fast
	cargo test --doc --quiet
	@for pid in /tmp/tamis-test-postgres-*/data/postmaster.pid; do \
	  if [ -e "$$pid" ]; then kill -INT "$$(head -n 1 "$$pid")" || true; fi; done

## Drives the built binary with a Python client that no Rust code helps.
blackbox: tools-test
	cargo build --release
	$(MAKE) --no-print-directory stubs
	$(VENV)/bin/python -m pytest -q --durations=5 tests/blackbox

## Format, clippy, protocol style, licences and bans.
lint: tools-lint
	cargo fmt --check
	cargo clippy --all-targets --quiet -- -D warnings
	cd proto && ../$(NPM)/node_modules/.bin/buf lint
	cargo deny --log-level error check bans licenses sources

## Kills the server under load CYCLES times, and takes everything unsynced from it CUTS
## times; no acknowledged verdict may be lost. `make test` has 40 and 8 of them.
crash: tools-test
	cargo build --release
	$(MAKE) --no-print-directory stubs
	CRASH_CYCLES=$(CYCLES) POWER_CUTS=$(CUTS) $(VENV)/bin/python -m pytest -q -s tests/blackbox/test_durability.py

## 16 workers on ITEMS queue items while the server is killed every 5 seconds: one decision each.
SECONDS_ ?= $(or $(SECONDS),120)
ITEMS ?= 10000
stress-queue: tools-test
	cargo build --release
	$(MAKE) --no-print-directory stubs
	QUEUE_SECONDS=$(SECONDS_) QUEUE_ITEMS=$(ITEMS) $(VENV)/bin/python -m pytest -q -s tests/blackbox/test_queue_stress.py

## The life of a model through the real server: import, moderate, train, report, shadow, promote, roll back; poison; an
## author who leaves. STORY=FILE: a labelled stream (JSON lines) instead of the one made up.
.PHONY: story swap
story: tools-test
	cargo build --release
	$(MAKE) --no-print-directory stubs
	STORY_FULL=1 STORY_DATA=$(STORY) $(VENV)/bin/python -m pytest -q -s tests/blackbox/test_story.py

## Promotes and rolls back once a second under load: no failed call, steady p99, scores that an exported bundle repeats.
swap: tools-test
	cargo build --release
	$(MAKE) --no-print-directory stubs
	SWAP_SECONDS=$(or $(SECONDS),60) $(VENV)/bin/python -m pytest -q -s tests/blackbox/test_swap.py

## p99 of list, claim and decide on a queue of ITEMS items, and the memory that takes.
bench-queue: tools-test
	cargo build --release
	$(MAKE) --no-print-directory stubs
	QUEUE_ITEMS=$(or $(filter-out 10000,$(ITEMS)),1000000) $(VENV)/bin/python tests/blackbox/bench_queue.py

## Replays a labelled stream with a moderator at the queue: STREAM=FILE of JSON lines.
replay: tools-test
	cargo build --release
	$(MAKE) --no-print-directory stubs
	$(VENV)/bin/python tests/blackbox/replay_stream.py $(STREAM)

## Speed as ratios, measured side by side in one process. TEXTS: files of texts to measure too.
TEXTS ?=
bench:
	cargo bench --bench pipeline -- short accented disguised long patterns $(TEXTS)
	cargo bench --bench service
	cargo bench --bench store

## Random interleavings of all calls of the queue against a plain model.
RUNS ?= 20000
.PHONY: queue-model queue-scale
queue-model:
	TAMIS_QUEUE_RUNS=$(RUNS) cargo nextest run --no-capture -E 'test(the_queue_agrees_with_the_model)'

## As bench-queue, on the store alone.
queue-scale:
	TAMIS_QUEUE_ITEMS=$(or $(filter-out 10000,$(ITEMS)),1000000) TAMIS_QUEUE_SECONDS=60 cargo test --release --test queue_scale -- --nocapture

.PHONY: stubs
stubs:
	rm -rf target/stubs && mkdir -p target/stubs
	$(VENV)/bin/python -m grpc_tools.protoc -Iproto --python_out=target/stubs --grpc_python_out=target/stubs proto/tamis/v1/*.proto

## tamis beside other filters on the same splits, one table per set. DATA: folder of the data sets; PEERS: folder of the
## peers' runner; installs the peers (Debian, root) when they are not there. The peers' own results are kept in target/peers.
SETS ?= youtube sms telegram_ru judol_id vispam_vi
PEERS ?= ../shared/bench/peers
PEERS_VENV ?= target/peers/venv
.PHONY: peers
peers:
	cargo build --release
	mkdir -p target/peers
	test -x $(PEERS_VENV)/bin/python || $(PEERS)/install.sh $(PEERS_VENV)
	python3 tests/peers/compare.py --runner $(PEERS) --python $(PEERS_VENV)/bin/python --data $(DATA) --sets "$(SETS)"

## Disguised adverts: recall per trick and pair, false positives on clean text in the languages of tests/golden/clean.
.PHONY: evasion
evasion:
	cargo build --release
	target/release/tamis evaluate --evasion --clean tests/golden/clean/*.txt --data $(foreach s,$(SETS),$(DATA)/$(s)/dev.jsonl)

## Retrains the shipped bundle. DATA: folder of the public data sets (see models/README.md). The files of the
## corpus are one set: what is common in them is common to all.
DATA ?= ../shared/data
SHIPPED := youtube sms fox_en korean_news davidson_en civil_en
bundle: target/corpus.jsonl
	cargo build --release
	target/release/tamis train --out models/default --conflicts target/conflicts.jsonl \
	  --data $(foreach s,$(SHIPPED),$(DATA)/$(s)/train.jsonl) $< --articles models/corpus/articles/*.jsonl
	target/release/tamis evaluate --model models/default --write-card \
	  --data $(foreach s,$(SHIPPED) offtopic,$(DATA)/$(s)/dev.jsonl)

## A bundle from every data set, for figures only: most of them may not be shipped.
RESEARCH = $(filter-out $(DATA)/offtopic/%,$(wildcard $(DATA)/*/train.jsonl))
bundle-research: target/corpus.jsonl
	cargo build --release
	target/release/tamis train --out target/research --conflicts target/conflicts-research.jsonl \
	  --data $(RESEARCH) $< --articles models/corpus/articles/*.jsonl
	target/release/tamis evaluate --model target/research --write-card --data $(RESEARCH:train.jsonl=dev.jsonl)

target/corpus.jsonl: $(wildcard models/corpus/comments/*.jsonl)
	mkdir -p target && cat $^ > $@

tools-lint:
	@command -v cargo-deny >/dev/null || cargo install cargo-deny --locked --root $(TOOLS)
	@test -x $(NPM)/node_modules/.bin/buf || npm install --silent --no-audit --no-fund --prefix $(NPM) @bufbuild/buf@1.75.0

tools-test: tools-postgres $(VENV)/.installed

# Debian's PostgreSQL: tests start servers of their own from it, in temporary directories.
.PHONY: tools-postgres
tools-postgres:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { apt-get update -qq && apt-get install -qq -y postgresql >/dev/null; }

## Three nodes on PostgreSQL: a random node is killed every 5 seconds and the server restarted hard five times; then
## a server that stops answering, a standby that takes over, a job that is taken over.
.PHONY: stress-cluster bench-cluster
stress-cluster: tools-test
	cargo build --release
	$(MAKE) --no-print-directory stubs
	CLUSTER_SECONDS=$(SECONDS_) CLUSTER_ITEMS=$(ITEMS) $(VENV)/bin/python -m pytest -q -s tests/blackbox/test_cluster.py

## Comments a second on PostgreSQL with 1, 2 and 3 nodes, and the CPU seconds that they and the server take.
bench-cluster: tools-test
	cargo build --release
	$(MAKE) --no-print-directory stubs
	$(VENV)/bin/python tests/blackbox/bench_cluster.py
$(VENV)/.installed: tests/blackbox/requirements.txt
	python3 -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet -r tests/blackbox/requirements.txt
	@touch $@
