##@ Hosts

.PHONY: userdata-tools verify-userdata
userdata-tools: ## Install what checks user data: cloud-init, systemd, sshd, shellcheck (Debian, as root)
	@command -v cloud-init systemd-analyze /usr/sbin/sshd shellcheck curl >/dev/null || \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
	    cloud-init systemd openssh-server openssh-client shellcheck curl >/dev/null; }

verify-userdata: ## Have cloud-init, systemd, sshd and shellcheck look at user data
	shellcheck internal/userdata/files/*.sh
	UMS_REQUIRE_TOOLS=1 $(GO) test ./internal/userdata/...
