##@ Verify

# Another subject adds its own: `verify: verify-mine` in its file.
.PHONY: verify
verify: verify-generate verify-modules verify-chart verify-layout verify-docs ## Everything that is checked without running a test

# A copy of the tree generates anew, so that a failed check leaves this one as it was.
.PHONY: verify-generate
verify-generate: $(CONTROLLER_GEN) ## Generated files are what the generators write now
	@hack/verify/generate.sh

.PHONY: verify-modules
verify-modules: ## Every go.mod and go.sum is tidy
	@hack/verify/modules.sh

.PHONY: verify-chart
verify-chart: $(HELM) $(KUSTOMIZE) ## The chart is sound with every set of values in its ci/ folder, and so is the kustomize base
	@hack/verify/chart.sh $(HELM) $(KUSTOMIZE)

.PHONY: verify-layout
verify-layout: ## No file is too long; no foreign code is in the tree
	@hack/verify/layout.sh

.PHONY: verify-docs
verify-docs: ## Links and make targets that the documents name are there
	@hack/verify/docs.sh
