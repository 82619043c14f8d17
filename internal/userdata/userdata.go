// Package userdata renders the cloud-init user data of app hosts and of the bastion: cloud-config that is the same on
// Amazon Linux 2023, Debian 12 and Ubuntu 24.04. Rendering is a function of its inputs, byte for byte, because a host's
// revision is the hash of it; nothing in it is secret, because anybody who may describe an instance may read it.
package userdata

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"
)

// MaxSize is what EC2 takes, in bytes before base64.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html
const MaxSize = 16 << 10

// AdminUser is whom administrators sign in as by SSH, on the bastion and on app hosts.
const AdminUser = "ums"

// Where things are on a host.
const (
	// AppEnvironment is the app's environment file: addresses and ARNs.
	AppEnvironment = "/etc/usermanagement/app.env"
	// ReleaseEnvironment says what is installed and from where.
	ReleaseEnvironment = "/etc/usermanagement/release.env"
	// DatabaseCAFile holds the certificates that the database's own is verified by.
	DatabaseCAFile = "/etc/usermanagement/database-ca.pem"
	// Unit is the app's systemd unit.
	Unit        = "usermanagement.service"
	releaseRoot = "/opt/usermanagement"
	hostFile    = "/run/usermanagement/host.env" // what a host finds out about itself at its start
	retryDelay  = "20"                           // seconds after a failure
	installer   = "/usr/local/lib/usermanagement/install"
	unitFile    = "/etc/systemd/system/" + Unit
	sshdOptions = "/etc/ssh/sshd_config.d/00-usermanagement.conf" // the first value of an option counts
)

//go:embed files
var files embed.FS

var errTooLarge = errors.New("user data is too large for EC2")

// cloudConfig is the part of cloud-init's configuration that is used.
// https://cloudinit.readthedocs.io/en/latest/reference/modules.html
type cloudConfig struct {
	Users       []user `yaml:"users"`
	DisableRoot bool   `yaml:"disable_root"`
	SSHPwauth   bool   `yaml:"ssh_pwauth"`
	WriteFiles  []file `yaml:"write_files"`
	// fixed are further entries of WriteFiles, rendered before: the files that are the same on every host are most of the
	// document, and writing them as YAML anew in every pass took a tenth of the operator's time.
	fixed []byte
	// RunCmd is rendered last.
	RunCmd [][]string `yaml:"runcmd,omitempty"`
}

type user struct {
	Name              string   `yaml:"name"`
	Gecos             string   `yaml:"gecos"`
	Shell             string   `yaml:"shell"`
	LockPasswd        bool     `yaml:"lock_passwd"`
	Sudo              string   `yaml:"sudo,omitempty"`
	SSHAuthorizedKeys []string `yaml:"ssh_authorized_keys,omitempty"`
}

type file struct {
	Path        string `yaml:"path"`
	Permissions string `yaml:"permissions"`
	Content     string `yaml:"content"`
}

// render is the whole document.
func (c cloudConfig) render() ([]byte, error) {
	last := struct {
		RunCmd [][]string `yaml:"runcmd"`
	}{c.RunCmd}
	c.RunCmd = nil
	head, err := yaml.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("userdata: %w", err)
	}
	tail, err := yaml.Marshal(last)
	if err != nil {
		return nil, fmt.Errorf("userdata: %w", err)
	}
	document := slices.Concat([]byte("#cloud-config\n"), head, c.fixed, tail)
	if len(document) > MaxSize {
		return nil, fmt.Errorf("userdata: %w: %d bytes, %d allowed; fewer or shorter SSH keys make it smaller",
			errTooLarge, len(document), MaxSize)
	}
	return document, nil
}

// admins is the one account that there is, in place of the image's own default user. Where nobody has a key, nobody can
// sign in as it.
func admins(keys []string, sudo bool) []user {
	admin := user{
		Name: AdminUser, Gecos: "Administrators", Shell: "/bin/bash", LockPasswd: true, SSHAuthorizedKeys: keys,
	}
	if sudo {
		admin.Sudo = "ALL=(ALL) NOPASSWD:ALL"
	}
	return []user{admin}
}

// rendered are entries of WriteFiles as they stand in the document.
func rendered(entries []file) ([]byte, error) {
	const key = "write_files:\n"
	text, err := yaml.Marshal(cloudConfig{WriteFiles: entries})
	if err != nil {
		return nil, fmt.Errorf("userdata: %w", err)
	}
	_, list, _ := bytes.Cut(text, []byte(key))
	return list, nil
}

// embedded is one of the files that are the same on every host.
func embedded(name, path, permissions string) (file, error) {
	content, err := files.ReadFile("files/" + name)
	if err != nil {
		return file{}, fmt.Errorf("userdata: %w", err)
	}
	return file{Path: path, Permissions: permissions, Content: string(content)}, nil
}

// reloadSSH makes a running sshd read its options; its unit is called one way or the other.
var reloadSSH = []string{"sh", "-c", "systemctl try-reload-or-restart ssh.service sshd.service 2>/dev/null || true"}
