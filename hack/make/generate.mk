##@ Generate

# Another subject adds its own: `generate: generate-mine` in its file.
.PHONY: generate
generate: generate-api generate-rbac generate-chart ## Write everything that is made from something else

.PHONY: generate-api
generate-api: $(CONTROLLER_GEN) ## Deepcopy code and the CRD, from api/ and internal/ack/
	$(CONTROLLER_GEN) object paths=./api/... paths=./internal/ack/...
	$(CONTROLLER_GEN) crd:maxDescLen=1024 paths=./api/... output:crd:dir=config/crd/bases

.PHONY: generate-rbac
generate-rbac: $(CONTROLLER_GEN) ## The operator's rights, from the markers beside the code that needs them
	$(CONTROLLER_GEN) rbac:roleName=manager paths=./controllers/... output:rbac:dir=config/rbac

.PHONY: generate-chart
generate-chart: generate-api generate-rbac ## The chart's copies of config/, its values, schema and table
	$(GO) run ./hack/chart
