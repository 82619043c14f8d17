##@ Lab

.PHONY: controlplane
controlplane: ## Get etcd and kube-apiserver, once (CONTROLLER_MANAGER=1: that too; FROM_SOURCE=1: never fetch)
	@$(GO) run ./hack/controlplane $(if $(CONTROLLER_MANAGER),-controller-manager) $(if $(FROM_SOURCE),-from-source)

# mariadb, which Debian has, or mysql, which hack/mysql.sh fetches: what the lab runs in place of RDS for MySQL.
DATABASE ?= mariadb

# use-database NAME begins a recipe whose programs are to run that server.
use-database = $(if $(filter mariadb mysql,$(1)),,$(error DATABASE=$(1) is neither mariadb nor mysql))$(if $(filter mysql,$(1)),folder=$$(hack/mysql.sh); export UMS_LAB_MYSQL="$$folder";)
