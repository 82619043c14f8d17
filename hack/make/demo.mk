##@ Demo

SAMPLE ?= production
LATENCY ?= fast
HOSTS ?= process

# (Not $(HELM): tools.mk, which sets it, is read after this file.)
# Which of the programs are out of date, Go knows best; it takes a second to find out.
.PHONY: demo
demo: $(if $(filter nspawn,$(HOSTS)),e2e-prerequisites) $(BIN)/helm demo-crds programs releases app-deps ## Show all of it on this machine (SAMPLE=minimal, LATENCY=zero|fast|aws, HOSTS=process|simulated|nspawn, DATABASE=mysql, CONTROLLER_MANAGER=1, DEMO_ONCE=1)
	@$(call use-database,$(DATABASE)) exec $(BIN)/lab demo --sample "$(SAMPLE)" --latency "$(LATENCY)" --hosts "$(HOSTS)" $(if $(CONTROLLER_MANAGER),--controller-manager)

.PHONY: programs
programs: | $(BIN) ## Build the operator, the lab and the kubectl plugin into bin/
	@$(GO) build -p 2 -o $(BIN)/ ./cmd/manager ./cmd/lab ./cmd/kubectl-ums

# Two releases of the app, so that the demo can roll from one to the other. They differ in their version.
DEMO_RELEASES := 1.4.0 1.4.1

.PHONY: releases
releases: | $(BIN) ## Build the app's releases that the demo serves into bin/releases/
	@for version in $(DEMO_RELEASES); do CGO_ENABLED=0 $(GO) build -p 2 -trimpath -ldflags "-s -w -X main.version=$$version" \
	  -o "$(BIN)/releases/app-$$version" ./cmd/app; done

# The definitions are made again only when what they are made from is newer, so that one demo does not take them away
# from another that is starting. A folder of one's own needs none of it.
.PHONY: demo-crds
demo-crds: $(if $(UMS_ACK_CRDS),,$(ACK_CRDS))

# Of the Go modules and the mirrored types, whatever folder is set: a test compares the two.
$(ACK_CRDS): go.mod $(wildcard internal/ack/*/*_types.go)
	@$(MAKE) ack-crds UMS_ACK_CRDS=

KUBECTL := $(BIN)/kubectl

.PHONY: kubectl
kubectl: $(KUBECTL) ## Build kubectl into bin/

$(KUBECTL): hack/tools/kubectl/go.mod hack/tools/kubectl/main.go | $(BIN)
	cd hack/tools/kubectl && $(GO) build -p 2 -o "$(CURDIR)/$@" -ldflags \
	  "-X k8s.io/component-base/version.gitVersion=$$($(GO) list -m -f '{{.Version}}' k8s.io/kubectl | sed s/^v0/v1/)" .

.PHONY: demo-test
demo-test: $(BIN)/helm demo-crds programs releases app-deps ## Run the demo as a person would, and see that it leaves nothing behind
	$(GO) test ./test/demo
