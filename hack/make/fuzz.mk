##@ Fuzzing

FUZZTIME ?= 1m

.PHONY: fuzz-build
fuzz-build: ack-crds ## Build stacks at random for FUZZTIME, led by coverage
	$(GO) test ./internal/build -run '^$$' -fuzz '^FuzzStack$$' -fuzztime $(FUZZTIME)
