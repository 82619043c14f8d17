##@ End to end

E2E_TIMEOUT ?= 40m
# What is run; all of it if empty. Example: E2E_RUN=TestTunnel
E2E_RUN ?= .

.PHONY: e2e
e2e: e2e-prerequisites demo-crds controlplane ## A stack on machines that boot, in a network of its own (as root, on Linux)
	@UMS_E2E=1 $(GO) test -count=1 -p 1 -timeout $(E2E_TIMEOUT) -run '$(E2E_RUN)' ./lab/network ./lab/nspawn ./test/e2e

.PHONY: e2e-prerequisites
e2e-prerequisites: ## Install what machines and networks need (Debian packages, as root)
	@hack/prerequisites.sh lab/network lab/nspawn lab/database test/e2e
