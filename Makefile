# The front door: `make run` and `make test`. `make help` lists the rest.

SHELL       := /bin/bash
.SHELLFLAGS := -o pipefail -ec
TOOLS       := $(CURDIR)/.tools/bin
BINARY      := bin/otelcol-foundation
GO          ?= go

# What ships: no cgo, no machine path, no symbol table, and none of Prometheus'
# 30 service discoveries (scrape targets are listed in the YAML). Tests, linter
# and tools compile with the same flags, so that all share one build cache; only
# the race detector needs cgo.
export GOFLAGS     := $(strip $(GOFLAGS) -trimpath -tags=remove_all_sd)
export CGO_ENABLED := 0
LDFLAGS     := -s -w

COMPONENTS  := $(dir $(wildcard processor/*/metadata.yaml connector/*/metadata.yaml exporter/*/metadata.yaml extension/*/metadata.yaml))
PACKAGES    := ./semconv/... ./internal/... ./processor/... ./connector/... ./exporter/... ./rules/... ./cmd/... ./bench/...
GOTESTSUM    = $(TOOLS)/gotestsum --format $(if $(CI),pkgname-and-test-fails,pkgname) --jsonfile .tools/$@.json --

.DEFAULT_GOAL := help
.PHONY: help
help: ## this list
	@grep -hE '^[a-z][a-z0-9-]*:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

## ---- build and run ---------------------------------------------------------

.PHONY: build
build: ## bin/otelcol-foundation and bin/foundationctl
	@echo "building bin/ (the first build compiles the whole collector: some minutes; later ones take seconds)"
	$(GO) build -ldflags '$(LDFLAGS)' -o bin/ ./cmd/otelcol-foundation ./cmd/foundationctl

.PHONY: run
run: build ## start the collector with otelcol-foundation.yaml; needs nothing else
	@echo
	@echo "otelcol-foundation listens on:"
	@echo "  OTLP gRPC    $${FOUNDATION_OTLP_GRPC_ENDPOINT:-127.0.0.1:4317}"
	@echo "  OTLP HTTP    http://$${FOUNDATION_OTLP_HTTP_ENDPOINT:-127.0.0.1:4318}"
	@echo "  metrics      http://$${FOUNDATION_PROMETHEUS_ENDPOINT:-127.0.0.1:9464}/metrics"
	@echo "  health       http://$${FOUNDATION_HEALTH_ENDPOINT:-127.0.0.1:13133}"
	@echo "  its own      http://127.0.0.1:$${FOUNDATION_TELEMETRY_PORT:-8888}/metrics"
	@echo "and writes traces.jsonl, logs.jsonl and alerts.jsonl below $${FOUNDATION_DATA_DIR:-./data}. Stop it with Ctrl-C."
	@echo
	exec $(BINARY) --config otelcol-foundation.yaml

.PHONY: demo
demo: build ## collector and traffic together: a degradation and two alerts within three minutes
	examples/demo/run.sh

## ---- test --------------------------------------------------------------------

.PHONY: test
test: test-tools test-unit test-race test-e2e ## unit, golden, race, and e2e against the built binary

.PHONY: test-tools
test-tools: $(TOOLS)/gotestsum
	cd internal/tools && $(TOOLS)/gotestsum --format pkgname --jsonfile ../../.tools/$@.json -- -count=1 ./...

.PHONY: test-unit
test-unit: $(TOOLS)/gotestsum
	$(GOTESTSUM) -count=1 $(PACKAGES)

# The race detector is a C library: without a compiler this part is left out, and says so.
.PHONY: test-race
test-race: $(TOOLS)/gotestsum
	@if command -v "$$($(GO) env CC)" >/dev/null; then \
	  set -x; CGO_ENABLED=1 $(GOTESTSUM) -race -short -count=1 ./internal/... ./processor/... ./connector/... ./exporter/...; \
	elif [ -n "$(CI)" ]; then \
	  echo "test-race: no C compiler ($$($(GO) env CC)); 'make deps' installs one" >&2; exit 1; \
	else \
	  echo; echo "SKIPPED: the race tests. No C compiler ($$($(GO) env CC)) here; 'make deps' installs one."; echo; \
	fi

.PHONY: test-e2e
test-e2e: build $(TOOLS)/gotestsum
	$(GOTESTSUM) -count=1 -timeout 25m ./e2e/...

.PHONY: test-statistics
test-statistics: ## the sampler's statistics at full size: 10^6 spans a name, 10^7 decisions nested; TRACES=folder for more real traces
	STATISTICS=full $(GO) test -count=1 -timeout 60m -v -run 'Statistics|Nested|DoNotDepend|RealTraces|ThroughAStep|Unbiased' ./processor/adaptivesampler

.PHONY: test-schedules
test-schedules: ## the rules engine beside Prometheus' own on 10,000 random schedules
	SCHEDULES=$(or $(SCHEDULES),10000) $(GO) test -count=1 -timeout 60m -v -run SameStatesAsUpstream ./internal/rules

.PHONY: kill
kill: ## a process of rules engine and storage, killed a thousand times
	KILLS=$(or $(KILLS),1000) $(GO) test -count=1 -timeout 60m -v -run 'TestKill$$' ./connector/alertrules

.PHONY: overload
overload: build ## ten minutes of four times what the collector can do, in 512 MiB
	OVERLOAD=10m $(GO) test -count=1 -timeout 30m -v -run Overload ./e2e

.PHONY: bench
bench: ## ns and allocations per item of every component beside a bare clone, as docs/benchmarks.md shows them
	$(GO) test -run '^$$' -bench . -benchmem -count $(or $(COUNT),5) ./bench/ | tee .tools/bench.txt
	@$(MAKE) --no-print-directory $(TOOLS)/benchstat >/dev/null && $(TOOLS)/benchstat .tools/bench.txt
	@$(MAKE) --no-print-directory bench-degradation

# Clean series need no data; the two data sets are not part of this repository.
.PHONY: bench-degradation
bench-degradation: ## what degradation finds and what it tells wrongly: SERIES=10000 of each kind; NAB=folder and PETSHOP=folder of these data sets
	$(GO) run ./bench/clean -series $(or $(SERIES),$(if $(CI),100,10000)) -stepped $(if $(CI),20,200)
	$(if $(NAB),$(GO) run ./bench/nab -data $(NAB) -windows $(NAB)/combined_windows.json -profiles $(NAB)/profiles.json,@echo "NAB=folder not given: the Numenta Anomaly Benchmark is left out")
	$(if $(PETSHOP),$(GO) run ./bench/petshop -data $(PETSHOP),@echo "PETSHOP=folder not given: PetShop is left out")

## ---- sources -----------------------------------------------------------------

.PHONY: generate
generate: $(TOOLS)/builder $(TOOLS)/mdatagen $(TOOLS)/gofumpt ## everything that is generated: semconv, component metadata, the collector's main
	cd internal/tools && $(GO) run ./semconvgen -model ../../semconv/model -out ../../semconv
	for d in $(COMPONENTS); do (cd $$d && $(TOOLS)/mdatagen metadata.yaml); done
	mkdir -p cmd/otelcol-foundation
	$(TOOLS)/builder --config builder-config.yaml --skip-get-modules --skip-compilation

.PHONY: lint
lint: $(TOOLS)/golangci-lint $(TOOLS)/gofumpt ## golangci-lint, gofumpt, go mod tidy
	@out=$$(git ls-files -co --exclude-standard '*.go' | xargs -r grep -L 'Code generated .* DO NOT EDIT' | xargs -r $(TOOLS)/gofumpt -l); \
	if [ -n "$$out" ]; then echo "not gofumpt-clean (make fmt mends it):"; echo "$$out"; exit 1; fi
	$(GO) mod tidy -diff
	cd internal/tools && $(GO) mod tidy -diff
	$(TOOLS)/golangci-lint run ./...

.PHONY: fmt
fmt: $(TOOLS)/gofumpt ## format the hand-written Go files
	git ls-files -co --exclude-standard '*.go' | xargs -r grep -L 'Code generated .* DO NOT EDIT' | xargs -r $(TOOLS)/gofumpt -w

.PHONY: ocb
ocb: $(TOOLS)/builder ## build the manifest with ocb in a scratch folder, as somebody outside of this repository would
	internal/tools/ocb-outside.sh $(TOOLS)/builder

## ---- tools -------------------------------------------------------------------

.PHONY: deps
deps: $(addprefix $(TOOLS)/,builder mdatagen gofumpt gotestsum benchstat promtool golangci-lint telemetrygen) ## every tool and peer that a test needs beyond Go
	internal/tools/install-packages.sh

# Pinned in internal/tools/go.mod, so that no tool enters the product module.
$(TOOLS)/builder:   TOOL = go.opentelemetry.io/collector/cmd/builder
$(TOOLS)/mdatagen:  TOOL = go.opentelemetry.io/collector/cmd/mdatagen
$(TOOLS)/gofumpt:   TOOL = mvdan.cc/gofumpt
$(TOOLS)/gotestsum: TOOL = gotest.tools/gotestsum
$(TOOLS)/benchstat: TOOL = golang.org/x/perf/cmd/benchstat
$(TOOLS)/promtool:  TOOL = github.com/prometheus/prometheus/cmd/promtool
$(TOOLS)/builder $(TOOLS)/mdatagen $(TOOLS)/gofumpt $(TOOLS)/gotestsum $(TOOLS)/benchstat $(TOOLS)/promtool: internal/tools/go.mod
	cd internal/tools && $(GO) build -o $@ $(TOOL)
	@touch $@

# These two have module graphs that do not fit beside the others.
$(TOOLS)/golangci-lint:
	GOBIN=$(TOOLS) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
$(TOOLS)/telemetrygen:
	GOBIN=$(TOOLS) $(GO) install github.com/open-telemetry/opentelemetry-collector-contrib/cmd/telemetrygen@v0.161.0
