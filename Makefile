# Saltmine. `make demo` shows it at work on this machine.
.PHONY: demo build test lint fuzz kills bench noise

demo: ## the whole story with real parts, here
	go run ./cmd/saltmine demo

build: ## one static binary in bin/
	CGO_ENABLED=0 go build -trimpath -o bin/saltmine ./cmd/saltmine

# The seeder's tables of deaths and its statistics are arithmetic on one
# goroutine, which the race detector makes six times slower: it watches each of
# the seeder's jobs once, and all other rooms in full.
JOBS = ^(TestPlant|TestPlantBulk|TestOver|TestLive|TestRotate|TestVerify|TestWithdraw|TestGateRefusesNaiveFakes)$$
TEST = go test -shuffle=on -timeout 45m

test: ## real servers and clients are installed where they are missing
	.ci/deps test
	$(TEST) -race $$(go list ./... | grep -v '/seeder$$')
	$(TEST) ./seeder
	$(TEST) -race -run '$(JOBS)' ./seeder

lint:
	.ci/lint

fuzz: ## every fuzz target for a minute each (CI: seconds), 10 million datagrams
	FUZZ_SECONDS=$${FUZZ_SECONDS:-60} FUZZ_TOTAL=$${FUZZ_TOTAL:-86400} .ci/fuzz
	$(TEST) ./listener/dnsd -run '^(TestRandomDatagrams|TestMutatedPackets)$$' -args -datagrams 10000000

kills: ## kill -9 and disk faults at every system call, 1,000 kills under load, 200,000 questions: hours
	go test -timeout 4h ./cmd/saltmine -run '^(TestKillAtEveryCall|TestKillUnderLoad|TestDiskFaults|TestDiskFaultsAtStart|TestKillCoreAtEveryCall|TestCoreDiskFaults)$$' -kills all -v
	go test -timeout 1h ./cmd/saltmine -run '^TestOracle' -oracle 100000 -v

noise: ## both error rates over the threshold, 1,000 true hits in noise, a burst of 100,000: some hours
	go test -timeout 6h -v ./internal/incident -run '^TestYear$$' -year.runs 200
	go test -timeout 6h -v ./internal/incident -run '^(TestTrueHitInNoise|TestBurst)$$' -trials 1000 -trials.noise 100000 -burst 100000

bench: ## beside Postfix, NSD, CoreDNS and MariaDB, on this machine in the same run
	.ci/deps bench
	go run ./internal/bench
