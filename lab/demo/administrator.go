package demo

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"

	"usermanagement.dev/stack/internal/userdata"
	"usermanagement.dev/stack/lab/dataplane"
	"usermanagement.dev/stack/lab/hosts"
)

// makeKey makes the SSH key of the demo's administrator, and returns its public half.
func (d *demo) makeKey() (string, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", fmt.Errorf("make an SSH key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(private, "the demo's administrator")
	if err != nil {
		return "", fmt.Errorf("make an SSH key: %w", err)
	}
	if err := os.WriteFile(d.folder.file("ssh_key"), pem.EncodeToMemory(block), 0o600); err != nil {
		return "", fmt.Errorf("keep the SSH key: %w", err)
	}
	authorized, err := ssh.NewPublicKey(public)
	if err != nil {
		return "", fmt.Errorf("make an SSH key: %w", err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(authorized))) + " demo", nil
}

// ssh is how the administrator calls ssh, from his address on the internet; empty where there is no network or no bastion.
func (d *demo) ssh(here string) string {
	if d.options.Hosts != hosts.Nspawn {
		return ""
	}
	for _, i := range d.lab.Cloud.Instances() {
		if i.State != "running" || i.PublicIP == "" {
			continue
		}
		text := fmt.Sprintf("Host bastion\n  HostName %s\n  BindAddress %s\nHost 10.* 172.* 192.*\n  ProxyJump bastion\nHost *\n  User %s\n"+
			"  IdentityFile %s\n  IdentitiesOnly yes\n  StrictHostKeyChecking accept-new\n  UserKnownHostsFile %s\n",
			i.PublicIP, dataplane.AdministratorAddress, userdata.AdminUser, d.folder.file("ssh_key"), d.folder.file("ssh_known_hosts"))
		if err := os.WriteFile(d.folder.file("ssh_config"), []byte(text), 0o600); err != nil {
			return ""
		}
		return "ip netns exec " + string(d.lab.DataPlane.Network.Internet()) + " ssh -F " + quoted(relative(here, d.folder.file("ssh_config")))
	}
	return ""
}
