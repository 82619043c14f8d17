# Tools are Go modules with versions of their own, built into bin/ when first needed: nothing is downloaded ready-made.
# Two compilations at a time: the linkers of these programs are hungry.

$(CONTROLLER_GEN): hack/tools/go.mod | $(BIN)
	cd hack/tools && $(GO) build -p 2 -o "$(CURDIR)/$@" sigs.k8s.io/controller-tools/cmd/controller-gen

$(HELM): hack/tools/helm/go.mod | $(BIN)
	cd hack/tools/helm && $(GO) build -p 2 -o "$(CURDIR)/$@" helm.sh/helm/v4/cmd/helm

$(KUSTOMIZE): hack/tools/kustomize/go.mod | $(BIN)
	cd hack/tools/kustomize && $(GO) build -p 2 -o "$(CURDIR)/$@" sigs.k8s.io/kustomize/kustomize/v5

$(GOLANGCI_LINT): hack/tools/golangci-lint/go.mod hack/tools/golangci-lint/main.go | $(BIN)
	cd hack/tools/golangci-lint && $(GO) build -p 2 -o "$(CURDIR)/$@" .

$(GOTESTSUM): hack/tools/gotestsum/go.mod | $(BIN)
	cd hack/tools/gotestsum && $(GO) build -p 2 -o "$(CURDIR)/$@" gotest.tools/gotestsum

$(CRD_REF_DOCS): hack/tools/crd-ref-docs/go.mod | $(BIN)
	cd hack/tools/crd-ref-docs && $(GO) build -p 2 -o "$(CURDIR)/$@" github.com/elastic/crd-ref-docs
