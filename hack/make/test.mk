##@ Test

PACKAGES ?= ./...

.PHONY: test
test: prerequisites $(GOTESTSUM) $(HELM) $(KUSTOMIZE) $(ACK_CRDS) controlplane programs releases ## All tests (PACKAGES=./internal/..., RACE=0|all, GO_TEST_FLAGS='-run X')
	@$(GOTESTSUM) --format pkgname-and-test-fails --format-hide-empty-pkg $(TEST_SUMMARY) --raw-command -- hack/test.sh $(PACKAGES)

# What a failed test has printed stands where it failed. Of a log in CI, people read the end: there it stands again.
TEST_SUMMARY := $(if $(CI),,--hide-summary output)

.PHONY: prerequisites
prerequisites: ## Install what lint and tests need beside Go, where it is missing (Debian packages)
	@hack/prerequisites.sh
