# Every target runs on a machine with nothing but Go (e2e: also root and Debian's
# packages, which it fetches itself). What is built of Kubernetes is kept by
# version below $AUDITSETUP_CACHE, by default ~/.cache/auditsetup.

GO ?= go
GOFLAGS_STATIC = CGO_ENABLED=0
TESTFLAGS ?=
# which tests of the real node to run, as a pattern for go test -run
E2E_RUN ?= .

.PHONY: build test unit oracle real real-binaries lint fuzz bench live e2e crash page update

build: ## the static binary, as ./auditsetup
	$(GOFLAGS_STATIC) $(GO) build -trimpath -ldflags "-s -w" -o auditsetup ./cmd/auditsetup

test: unit oracle real ## everything that needs no root

unit:
	$(GO) test $(TESTFLAGS) ./...

oracle: ## our rules beside upstream's own code, and profiles beside their sources
	cd test/oracle && $(GO) test $(TESTFLAGS) ./...
	cd test/sources && $(GO) test $(TESTFLAGS) ./...
	cd test/resources && $(GO) test $(TESTFLAGS) ./...

real-binaries: ## build kube-apiserver, kubeadm and etcd, once
	cd test/real && $(GO) run ./build

# more at once than there are cores: most of the time they wait for one another
real: real-binaries ## the real kube-apiserver and kubeadm of several minors
	cd test/real && $(GO) test -count=1 -timeout 30m -parallel 6 $(TESTFLAGS) ./...

live: real-binaries ## changes that are watched as they happen, with every release; make test has the newest
	cd test/real && AUDITSETUP_LIVE=all $(GO) test -count=1 -timeout 40m -run 'TestLive|TestDoctor' $(TESTFLAGS) .

e2e: ## a whole control-plane node with containerd and kubelet; needs root. AUDITSETUP_E2E_VERSION=v1.34.4 for another release
	cd test/node && $(GO) test -count=1 -v -timeout 120m -run '$(E2E_RUN)' $(TESTFLAGS) .

crash: ## killed, and given an error, at each system call that changes anything: prints the counts; needs strace, or Debian
	cd test/crash && $(GO) test -count=1 -v -timeout 20m $(TESTFLAGS) .

page: ## the plan's page in a real Chromium, which root gets from Debian if it is not there
	cd test/page && $(GO) test -count=1 -timeout 10m $(TESTFLAGS) .

lint: ## gofmt, go vet, staticcheck, govulncheck, golangci-lint, tidy go.mod
	./test/lint

fuzz: ## each fuzz target of the splicer for ten minutes, or FUZZTIME
	for target in FuzzApplyUndo FuzzGenerated; do \
		$(GO) test ./manifest -run '^$$' -fuzz $$target'$$' -fuzztime $(or $(FUZZTIME),10m) -fuzzminimizetime 10x || exit 1; \
	done

bench: real-binaries ## the splicer, simulate beside jq on 1 GiB, and whole commands beside their peers
	$(GO) test -run '^$$' -bench . -benchmem ./manifest
	cd test/real && $(GO) test -run '^$$' -bench . -benchtime 100x .
	$(GO) test -run '^$$' -bench . -benchmem ./auditlog ./simulate
	$(GO) run ./test/speed

update: ## golden files of the scripts and the corpus of manifests, written anew
	$(GO) test ./cmd -update
	$(GO) test ./manifest -run TestCorpus -update
	$(GO) test ./policy/lint -run TestPage -update
