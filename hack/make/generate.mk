##@ Generate

# Another subject adds its own: `generate: generate-mine` in its file.
.PHONY: generate
generate: generate-api generate-rbac generate-chart generate-reference ## Write everything that is made from something else

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

REFERENCE := docs/reference/usermanagementstack.md

# Its log tells of every step; only a failure is worth reading.
.PHONY: generate-reference
generate-reference: $(CRD_REF_DOCS) ## The reference of the kind's fields, from the comments in api/
	@log=$$(mktemp); trap 'rm -f "$$log"' EXIT; $(CRD_REF_DOCS) --source-path=api/v1 --config=hack/reference/config.yaml \
	  --templates-dir=hack/reference --renderer=markdown --output-path=$(REFERENCE) >"$$log" 2>&1 || { cat "$$log" >&2; exit 1; }
	@sed -i -e 's/[[:space:]]*$$//' $(REFERENCE) && cat -s $(REFERENCE) > $(REFERENCE).new && mv $(REFERENCE).new $(REFERENCE)
