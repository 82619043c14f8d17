##@ Lab

.PHONY: controlplane
controlplane: ## Get etcd and kube-apiserver, once (CONTROLLER_MANAGER=1: that too; FROM_SOURCE=1: never fetch)
	@$(GO) run ./hack/controlplane $(if $(CONTROLLER_MANAGER),-controller-manager) $(if $(FROM_SOURCE),-from-source)
