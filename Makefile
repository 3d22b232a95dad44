# ftadvise: `make help` lists the targets. GO, PYTHON and CXX pick the tools;
# calibrate/torch/setup/libtorch.sh says how libtorch is found or fetched.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

GO ?= go
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/ftadvise
SETUP := calibrate/torch/setup/libtorch.sh
ENV := bin/libtorch.env
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS := -s -w

# Packages that call libtorch; everything else is built and tested without cgo, so that
# a change of libtorch rebuilds nothing else.
ENGINE := ./calibrate/torch/... ./cmd/ftadvise-engine/...
PURE = $(shell CGO_ENABLED=0 $(GO) list ./... | grep -v -e /calibrate/torch -e /cmd/ftadvise-engine)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{ printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: tools
tools:
	@command -v $(GO) >/dev/null || { echo "make: error: no Go compiler ($(GO))" >&2; \
		echo "make: hint: install Go 1.26 or newer, or set GO" >&2; exit 5; }

.PHONY: libtorch
libtorch: ## find or install libtorch and write bin/libtorch.env for cgo
	@sh $(SETUP) env $(ENV)

.PHONY: build
build: bin-ftadvise bin-engine ## build bin/ftadvise and bin/ftadvise-engine

.PHONY: bin-ftadvise
bin-ftadvise: tools
	@CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/ftadvise ./cmd/ftadvise

.PHONY: bin-engine
bin-engine: tools libtorch
	@. $(ENV); $(GO) build -o bin/ftadvise-engine ./cmd/ftadvise-engine

.PHONY: demo
demo: build ## advise on the embedded model and its two sample datasets
	bin/ftadvise demo

.PHONY: test
test: tools libtorch ## run every test
	CGO_ENABLED=0 $(GO) test -timeout 10m $(PURE)
	@. $(ENV); set -x; $(GO) test -timeout 10m $(ENGINE)

.PHONY: clean
clean: ## remove bin/ and dist/; the shared cache stays
	rm -rf bin dist
