##@ Measure

N ?= 1,10,50,200
ROUNDS ?= 1
REST ?= 1m

.PHONY: bench-scale
bench-scale: $(if $(UMS_ACK_CRDS),,ack-crds) ## Measure N=1,10,50,200 stacks in the lab (ROUNDS=2: better of two; REST=10s; PROFILES=folder)
	@$(GO) build -o $(BIN)/manager ./cmd/manager
	@$(GO) build -o $(BIN)/bench-scale ./test/scale
	@$(BIN)/bench-scale -n $(N) -rounds $(ROUNDS) -rest $(REST) -manager $(BIN)/manager -raw .lab/bench \
	  -document docs/measurements.md $(if $(PROFILES),-profiles $(PROFILES))
