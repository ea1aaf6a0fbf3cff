# Everything that a person or CI calls. Each target does all of its own set-up on a machine with Rust, Go, Node, git,
# a C compiler and cmake.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
CARGO ?= cargo

.PHONY: help demo test lint unit packages tools bench parity test-long fuzz gen advisories

help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

demo: ## a playground: a cluster in memory, a git server, the controllers, and the example applications
	$(CARGO) run --locked --package capstan -- up --demo

test: packages lint tools unit ## everything that must pass; what CI runs

unit:
	$(CARGO) test --locked --workspace --quiet

lint: ## formatting, clippy, the rings of the architecture, licences
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets --quiet -- --deny warnings
	$(CARGO) check --locked --manifest-path fuzz/Cargo.toml --target-dir target/fuzz --quiet
	$(CARGO) xtask tidy
	@command -v cargo-deny >/dev/null || $(CARGO) install --locked --quiet cargo-deny@0.20.2
	$(CARGO) fetch --locked --quiet
	$(CARGO) deny --offline --log-level error check bans licenses sources

advisories: ## open advisories of what is used; needs the network
	$(CARGO) deny check advisories

# Programs that the tests run as the real thing: sshd, gpg, Prometheus, Redis (for the peer's server), zsh and fish from Debian, Kubernetes and etcd from their Go modules.
packages:
	@missing=(); command -v sshd >/dev/null || [ -x /usr/sbin/sshd ] || missing+=(openssh-server); command -v gpg >/dev/null || missing+=(gnupg); \
	command -v prometheus >/dev/null || missing+=(prometheus); command -v redis-server >/dev/null || missing+=(redis-server); \
	command -v zsh >/dev/null || missing+=(zsh); command -v fish >/dev/null || missing+=(fish); \
	if [ $${#missing[@]} = 0 ]; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$${missing[@]}" >/dev/null; \
	else echo "no $${missing[*]} and no right to install them: the suites that need them will say that they did not run"; fi

tools:
	@if command -v go >/dev/null; then $(CARGO) run --locked --quiet --package testkit --bin tools; \
	else echo 'no Go: the suites on the real API server will say that they did not run'; fi

bench: ## measure against the peer's recorded figures (docs/performance.md)
	$(CARGO) build --locked --release --package bench --package capstan --package parity
	$(CARGO) run --locked --release --package bench
	$(CARGO) run --locked --release --package bench -- large
	$(CARGO) run --locked --release --package bench -- large --on real
	$(CARGO) run --locked --release --package bench -- pushes
	$(CARGO) run --locked --release --package bench -- api
	$(CARGO) run --locked --release --package bench -- jsonnet
	$(CARGO) run --locked --release --package bench -- charts
	$(CARGO) run --locked --release --package bench -- charts --whole
	$(CARGO) run --locked --release --package bench -- kustomizations
	$(CARGO) run --locked --release --package bench -- kustomizations --whole
	$(CARGO) run --locked --release --package bench -- kustomizations --sizes

# Corpora of what the real programs print: folders helm/, gotemplate/, kustomize/ and health/ below PARITY.
PARITY ?= ../shared/parity
parity: ## hold renders and health against what the real helm, kustomize, Go and Argo CD said (PARITY=folder)
	@failed=0; for corpus in gotemplate helm kustomize health; do \
	  if [ -d "$(PARITY)/$$corpus" ]; then \
	    echo "$$corpus:"; $(CARGO) run --locked --quiet --release --package parity -- $$corpus "$(PARITY)/$$corpus" || failed=1; \
	  else echo "no corpus at $(PARITY)/$$corpus: parity with it was not measured"; fi; \
	done; exit $$failed

test-long: ## what takes longer than CI allows
	CAPSTAN_LONG=1 $(CARGO) test --locked --workspace --quiet

fuzz: ## every fuzz target for FUZZ_SECONDS (60)
	./fuzz/run

gen: ## rebuild what is generated
	UPDATE=1 $(CARGO) test --locked --package api --quiet
