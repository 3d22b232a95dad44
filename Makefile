# ftadvise: `make help` lists the targets. GO, PYTHON and CXX pick the tools;
# calibrate/torch/setup/libtorch.sh says how libtorch is found or installed.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

GO ?= go
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/ftadvise
SETUP := calibrate/torch/setup
PEERS_DIR := calibrate/torch/peers
ENV := bin/libtorch.env
LINT_VERSION := 2.15.0
LINT := $(CACHE)/tools/golangci-lint-$(LINT_VERSION)/golangci-lint
FUZZTIME ?= 10s
TORCH ?= 2.8.0
PLATFORMS ?= linux/amd64 linux/arm64 darwin/arm64

# The engine finds libtorch where it was built against it, or in a folder or link of this
# name beside it: so the program can move to another machine.
BESIDE := -extldflags '-Wl,-rpath,\$$ORIGIN/libtorch/lib'

# What calls libtorch. Everything else is built and tested without cgo, as it ships, so
# that neither a change of libtorch nor of the C++ compiler rebuilds it.
ENGINE := ./calibrate/torch/... ./cmd/ftadvise-engine/...
PURE = $$(CGO_ENABLED=0 $(GO) list ./... | grep -v -e /calibrate/torch -e /cmd/ftadvise-engine)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{ printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: go
go:
	@command -v $(GO) >/dev/null || { echo "make: error: no Go compiler ($(GO))" >&2; \
		echo "make: hint: install Go 1.26.5 or newer, or set GO" >&2; exit 5; }

.PHONY: libtorch
libtorch: ## find or install libtorch; writes bin/libtorch.env, cgo's flags
	@sh $(SETUP)/libtorch.sh env $(ENV)

.PHONY: cli
cli: go ## build bin/ftadvise alone: pure Go, needs neither libtorch nor a C++ compiler
	@CGO_ENABLED=0 $(GO) build -ldflags '-s -w' -o bin/ftadvise ./cmd/ftadvise

.PHONY: engine
engine: go libtorch ## build bin/ftadvise-engine
	@. $(ENV); $(GO) build -ldflags "$(BESIDE)" -o bin/ftadvise-engine ./cmd/ftadvise-engine

.PHONY: build
build: cli engine ## build bin/ftadvise and bin/ftadvise-engine

.PHONY: demo
demo: build ## advise on the embedded model and its two sample datasets
	@bin/ftadvise demo

.PHONY: test
test: go libtorch ## run every test (the first time: install libtorch, compile its binding)
	@status=0; \
		echo "# pure Go"; CGO_ENABLED=0 $(GO) test -timeout 10m $(PURE) || status=1; \
		echo "# on libtorch"; . $(ENV); $(GO) test -timeout 10m $(ENGINE) || status=1; \
		exit $$status

.PHONY: test-real
test-real: go ## run the tests against Prometheus, Chromium and axe-core (installs them: root or sudo, once)
	@GO=$(GO) CGO_ENABLED=0 sh reports/real/test.sh

.PHONY: check
check: go libtorch $(LINT) ## vet and lint: style, the house diagram, cgo in its place, go.mod in order
	@. $(ENV); GOGC=50 $(LINT) run ./...
	@. $(ENV); strays=$$($(GO) list -f '{{if .CgoFiles}}{{.ImportPath}}{{end}}' ./... | grep -v /calibrate/torch || true); \
		[ -z "$$strays" ] || { echo "make: error: cgo outside calibrate/torch: $$strays" >&2; exit 1; }
	@$(GO) mod tidy -diff

$(LINT):
	@echo "make: building golangci-lint $(LINT_VERSION) (about a minute, once)" >&2
	@GOBIN=$(@D) CGO_ENABLED=0 $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v$(LINT_VERSION)

.PHONY: race
race: go ## run the tests of the concurrent pure-Go packages under the race detector
	@CGO_ENABLED=1 $(GO) test -race -timeout 10m ./calibrate ./calibrate/store/... ./calibrate/worker/... ./reports/metrics/...

.PHONY: fuzz
fuzz: go ## run every fuzz target for FUZZTIME (10s)
	@export CGO_ENABLED=0; for package in $(PURE); do \
		for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
			echo "$$package $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$package; \
		done; \
	done

.PHONY: microbench
microbench: go ## run the Go benchmarks of the pure packages
	@CGO_ENABLED=0 $(GO) test -run '^$$' -bench . -benchmem $(PURE) | grep -v 'no test files'

# More flags for the benchmark: make bench BENCH="--only base --runs 1"
BENCH ?= --docs

.PHONY: bench
bench: build ## compare with the Trainer and plain PyTorch; writes docs/performance.md (installs about 5 GB)
	@python=$$(sh $(SETUP)/peers.sh); "$$python" $(PEERS_DIR)/bench.py --python "$$python" $(BENCH)

.PHONY: gpu
gpu: build ## fill bin/gpu and bin/gpu.tar.xz, whose gpu.py measures on a GPU machine without a network
	@mkdir -p bin/gpu/test; ln -sfn . bin/gpu/embedded; . $(ENV); set -x; \
		cp bin/ftadvise bin/gpu; \
		$(GO) build -ldflags "-s -w $(BESIDE)" -o bin/gpu/ftadvise-engine ./cmd/ftadvise-engine; \
		$(GO) test -c -ldflags "-s -w $(BESIDE)" -o bin/gpu/test/torch.test ./calibrate/torch; \
		$(GO) test -c -ldflags "-s -w $(BESIDE)" -o bin/gpu/test/decoder.test ./calibrate/torch/decoder
	@$${PYTHON:-python3} $(PEERS_DIR)/prepare.py . $$($(GO) env GOROOT) bin/gpu
	@tar -C bin --exclude gpu/work --exclude gpu/dry --exclude __pycache__ -c gpu | xz -3 -T0 >bin/gpu.tar.xz
	@echo "there: tar xf gpu.tar.xz && cd gpu && python3 gpu.py; here: make gpu-docs JSON=gpu.json"

.PHONY: gpu-docs
gpu-docs: ## write docs/gpu.md from what gpu.py measured: make gpu-docs JSON=gpu.json
	@$${PYTHON:-python3} $(PEERS_DIR)/gpu.py --json $(or $(JSON),bin/gpu/gpu.json) --docs docs/gpu.md

.PHONY: goldens
goldens: go libtorch ## remake the golden numbers but those of make parity (installs about 5 GB)
	@python=$$(sh $(SETUP)/peers.sh); export FTADVISE_PYTHON="$$python"; . $(ENV); set -x; \
		$(GO) test -count 1 -run Verdicts ./calibrate/safetensors -update; \
		cd calibrate/hf/testdata; "$$python" reference.py >reference.json.new; mv reference.json.new reference.json; \
		cd ../../dataset/tokenizer/testdata; "$$python" make.py

.PHONY: parity
parity: go libtorch ## train with transformers and PEFT anew and compare; writes docs/parity.md (about 5 GB)
	@python=$$(sh $(SETUP)/peers.sh); export FTADVISE_PYTHON="$$python"; . $(ENV); set -x; \
		$(GO) test -count 1 ./calibrate/hf/... ./calibrate/safetensors/...; \
		$(GO) test -count 1 -run TestParityOrder ./calibrate/torch -update; \
		"$$python" calibrate/torch/testdata/parity.py calibrate/torch/testdata/parity.json $(wildcard ../shared/data); \
		$(GO) test -count 1 -run 'Parity|AdaptersOfPEFT' -v ./calibrate/torch | "$$python" $(PEERS_DIR)/paritydoc.py calibrate/torch/testdata/parity.json docs/parity.md

.PHONY: base
base: engine ## train the embedded base model anew from the Go distribution's comments (up to an hour)
	@rm -rf bin/base; set -x; $(GO) run ./calibrate/embedded/make -out bin/base; \
		bin/ftadvise-engine pretrain --model bin/base/base --text bin/base/corpus.txt --out bin/base/trained \
			--batch 16 --seq 256 --steps 4000 --learning-rate 6e-3
	@echo "bin/base/trained is what calibrate/embedded/base holds" >&2

# Flags of the suite's steps: make suite SUITE="-device cuda -precision bf16 -processes 6"
SUITE ?=

.PHONY: suite
suite: engine ## make the decision suite anew: texts, bases, every training, curves (minutes on a GPU, days on a CPU)
	@CGO_ENABLED=0 $(GO) build -ldflags '-s -w' -o bin/suite-make ./calibrate/suite/make; set -x; \
		$(GO) run ./calibrate/embedded/make -out bin/suite; \
		for step in prepare bases train measure curves table; do bin/suite-make $$step -dir bin/suite $(SUITE); done

.PHONY: suite-docs
suite-docs: go ## write what the suite's curves found into docs/decision-quality.md
	@CGO_ENABLED=0 $(GO) run ./calibrate/suite/make table

# Public curves to score on besides the decision suite: any file that `ftadvise import` reads.
CURVES ?= $(wildcard ../shared/data/peft-metamathqa-curves.json)

.PHONY: decision-bench
decision-bench: go ## replay the decision suite; and score the forecasts on public curves: CURVES=FILE...
	@CGO_ENABLED=0 $(GO) run ./calibrate/forecast/decisionbench -suite calibrate/suite/curves
	@[ -z "$(CURVES)" ] || { echo; echo "### Public curves"; echo; \
		CGO_ENABLED=0 $(GO) run ./calibrate/forecast/decisionbench $(CURVES); }

.PHONY: compat
compat: go ## build and test the engine against another libtorch: make compat TORCH=2.8.0
	@FTADVISE_PRIVATE=1 FTADVISE_TORCH=$(TORCH) sh $(SETUP)/libtorch.sh env bin/libtorch-$(TORCH).env
	@. bin/libtorch-$(TORCH).env; set -x; $(GO) build -o bin/ftadvise-engine-$(TORCH) ./cmd/ftadvise-engine; \
		$(GO) test -timeout 10m $(ENGINE)

.PHONY: release
release: build ## write archives of both programs and their digests to dist/
	@GO=$(GO) ENGINE_LDFLAGS="-s -w $(BESIDE)" bash $(SETUP)/release.sh dist "$(PLATFORMS)"

.PHONY: clean
clean: ## remove bin/ and dist/; what is installed in the cache stays
	rm -rf bin dist
