##@ Lint

.PHONY: lint
lint: $(GOLANGCI_LINT) ## Check the Go code, the API's conventions and the shell scripts
	$(GOLANGCI_LINT) run ./...
	@hack/verify/scripts.sh

.PHONY: lint-fix
lint-fix: $(GOLANGCI_LINT) ## Format, and correct what can be corrected without thinking
	$(GOLANGCI_LINT) run --fix ./...

.PHONY: lint-config
lint-config: $(GOLANGCI_LINT) ## The linters' configuration is itself valid
	$(GOLANGCI_LINT) config verify
