##@ Image

CONTAINER_TOOL ?= docker
IMAGE ?= user-management-stack/manager:0.1.0

.PHONY: image
image: ## Build the operator's image (IMAGE=registry/path:tag, CONTAINER_TOOL=docker|podman, PUSH=1)
	$(CONTAINER_TOOL) build --tag $(IMAGE) .
	$(if $(PUSH),$(CONTAINER_TOOL) push $(IMAGE))
