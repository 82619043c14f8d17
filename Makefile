# User Management Stack. `make help` lists what there is to do.
# Each subject has a file of its own under hack/make; this one holds what they share.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Relative, so that a checkout may lie in a folder with spaces in its name.
BIN := bin
GO ?= go

# Tools that the subjects' files ask for; hack/make/tools.mk says how each is built. They stand here because make looks at
# the names in front of a recipe as it reads, in the order of the files.
CONTROLLER_GEN := $(BIN)/controller-gen
CRD_REF_DOCS := $(BIN)/crd-ref-docs
GOLANGCI_LINT := $(BIN)/golangci-lint
GOTESTSUM := $(BIN)/gotestsum
HELM := $(BIN)/helm
KUSTOMIZE := $(BIN)/kustomize

include $(sort $(wildcard hack/make/*.mk))

##@ General

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*##"} /^##@/ {printf "\n\033[1m%s\033[0m\n", substr($$0, 5)} \
	  /^[a-zA-Z0-9_-]+:.*?##/ {printf "  \033[36m%-18s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN):
	@mkdir -p $@
