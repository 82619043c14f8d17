package userdata_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"usermanagement.dev/stack/internal/userdata"
)

var update = flag.Bool("update", false, "write the golden files anew; every host of every stack is then replaced")

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl alice@example.com"

func exampleHost() userdata.Host {
	return userdata.Host{
		Release: userdata.Release{
			Version: "1.4.0", URL: "https://releases.example.com/app",
			SHA256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
		},
		Environment:    map[string]string{"UMS_LISTEN": "0.0.0.0:8080", "UMS_ZONE": "us-east-2a"},
		DatabaseCAURL:  "https://truststore.example.com/bundle.pem",
		AuthorizedKeys: []string{key},
	}
}

// documents are the kinds of user data that there are.
func documents(t testing.TB) map[string][]byte {
	t.Helper()
	host := exampleHost()
	closed := exampleHost()
	closed.AuthorizedKeys = nil
	rendered := make(map[string][]byte)
	for name, d := range map[string]interface{ Render() ([]byte, error) }{
		"host": host, "host-without-keys": closed, "bastion": userdata.Bastion{AuthorizedKeys: []string{key}},
	} {
		text, err := d.Render()
		if err != nil {
			t.Fatal(err)
		}
		rendered[name] = text
	}
	return rendered
}

// TestGolden: a byte that changes here replaces hosts in the field, one by one, without anybody having asked for it.
func TestGolden(t *testing.T) {
	for name, got := range documents(t) {
		path := filepath.Join("testdata", name+".yaml")
		if *update {
			if err := os.WriteFile(path, got, 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
			t.Errorf("%s is not what it was (-was +is): every host would be replaced\n%s", name, diff)
		}
	}
}

func TestSize(t *testing.T) {
	host := exampleHost()
	host.Release.URL = "https://" + strings.Repeat("u", 1016)
	host.Release.Version = strings.Repeat("1", 64)
	host.AuthorizedKeys = nil
	for range 20 { // as many and as long as the API takes them
		host.AuthorizedKeys = append(host.AuthorizedKeys, "ssh-rsa "+strings.Repeat("A", 292))
	}
	for _, name := range []string{"A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M"} {
		host.Environment["UMS_"+name+strings.Repeat("N", 20)] = strings.Repeat("v", 100)
	}
	text, err := host.Render()
	if err != nil {
		t.Fatalf("the largest host that the API takes: %v", err)
	}
	t.Logf("the largest host that the API takes: %d bytes of %d", len(text), userdata.MaxSize)

	host.AuthorizedKeys = append(host.AuthorizedKeys, "ssh-rsa "+strings.Repeat("A", userdata.MaxSize))
	if _, err := host.Render(); err == nil || !strings.Contains(err.Error(), "fewer or shorter SSH keys") {
		t.Errorf("larger than EC2 takes, and the error is %v", err)
	}
}

func TestControlCharacters(t *testing.T) {
	host := exampleHost()
	host.Environment["UMS_ZONE"] = "a\nUMS_SETUP_SECRET=b"
	if _, err := host.Render(); err == nil || !strings.Contains(err.Error(), "UMS_ZONE") {
		t.Errorf("a value with a line break in it, and the error is %v", err)
	}
}

// config is what cloud-init would read.
type config struct {
	Users []struct {
		Name string   `yaml:"name"`
		Sudo string   `yaml:"sudo"`
		Keys []string `yaml:"ssh_authorized_keys"`
	} `yaml:"users"`
	WriteFiles []struct {
		Path        string `yaml:"path"`
		Permissions string `yaml:"permissions"`
		Content     string `yaml:"content"`
	} `yaml:"write_files"`
}

func parsed(t testing.TB, document []byte) config {
	t.Helper()
	if !bytes.HasPrefix(document, []byte("#cloud-config\n")) {
		t.Fatal("cloud-init would not know it for cloud-config")
	}
	var c config
	if err := yaml.Unmarshal(document, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func fileIn(t testing.TB, document []byte, path string) string {
	t.Helper()
	for _, f := range parsed(t, document).WriteFiles {
		if f.Path == path {
			return f.Content
		}
	}
	t.Fatalf("no file %s", path)
	return ""
}

func TestAccounts(t *testing.T) {
	rendered := documents(t)
	const root = "ALL=(ALL) NOPASSWD:ALL"
	for _, c := range []struct {
		name, sudo string
		keys       []string
	}{{"host", root, []string{key}}, {"host-without-keys", root, nil}, {"bastion", "", []string{key}}} {
		users := parsed(t, rendered[c.name]).Users
		if len(users) != 1 {
			t.Fatalf("%s has %d accounts, want one", c.name, len(users))
		}
		u := users[0]
		if u.Name != userdata.AdminUser || u.Sudo != c.sudo || !slices.Equal(u.Keys, c.keys) {
			t.Errorf("%s has the account %+v", c.name, u)
		}
	}
}
