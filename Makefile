# Saltmine. `make demo` shows it at work on this machine.
.PHONY: demo build test lint fuzz bench

demo: ## the whole story with real parts, here
	go run ./cmd/saltmine demo

build: ## one static binary in bin/
	CGO_ENABLED=0 go build -trimpath -o bin/saltmine ./cmd/saltmine

test: ## real servers and clients are installed where they are missing
	.ci/deps test
	go test -race -shuffle=on -timeout 60m ./...

lint:
	.ci/lint

fuzz: ## every fuzz target for a few seconds
	.ci/fuzz

bench: ## beside Postfix, NSD and MariaDB, on this machine in the same run
	.ci/deps bench
	go run ./internal/bench
