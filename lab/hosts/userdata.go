package hosts

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"usermanagement.dev/stack/internal/userdata"
	"usermanagement.dev/stack/lab/cloud"
)

// CloudConfig is an instance's user data, read as strictly as the operator writes it: whatever is in it that the lab does
// not know is an error, because a host that ignored it would not be the host that was asked for.
type CloudConfig struct {
	Users       []User     `yaml:"users"`
	DisableRoot bool       `yaml:"disable_root"`
	SSHPwauth   bool       `yaml:"ssh_pwauth"`
	WriteFiles  []File     `yaml:"write_files"`
	RunCmd      [][]string `yaml:"runcmd"`
}

// User is an account of the host.
type User struct {
	Name              string   `yaml:"name"`
	Gecos             string   `yaml:"gecos"`
	Shell             string   `yaml:"shell"`
	LockPasswd        bool     `yaml:"lock_passwd"`
	Sudo              string   `yaml:"sudo"`
	SSHAuthorizedKeys []string `yaml:"ssh_authorized_keys"`
}

// File is a file that cloud-init writes.
type File struct {
	Path        string `yaml:"path"`
	Permissions string `yaml:"permissions"`
	Content     string `yaml:"content"`
}

// ReadUserData reads the user data of an instance.
func ReadUserData(i cloud.Instance) (CloudConfig, error) {
	text, err := base64.StdEncoding.DecodeString(i.UserData)
	if err != nil {
		return CloudConfig{}, fmt.Errorf("user data of %s: %w", i.ID, err)
	}
	if !bytes.HasPrefix(text, []byte("#cloud-config\n")) {
		return CloudConfig{}, fmt.Errorf("user data of %s does not begin with #cloud-config", i.ID)
	}
	var c CloudConfig
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&c); err != nil {
		return CloudConfig{}, fmt.Errorf("user data of %s: %w", i.ID, err)
	}
	if err := decoder.Decode(&CloudConfig{}); !errors.Is(err, io.EOF) {
		return CloudConfig{}, fmt.Errorf("user data of %s holds more than one document", i.ID)
	}
	return c, nil
}

// File is the content of a file that cloud-init would write.
func (c CloudConfig) File(path string) (content string, ok bool) {
	for _, f := range c.WriteFiles {
		if f.Path == path {
			return f.Content, true
		}
	}
	return "", false
}

// AppHost reports whether the host runs the app; the bastion does not.
func (c CloudConfig) AppHost() bool {
	_, ok := c.File(userdata.ReleaseEnvironment)
	return ok
}

// Environment are the variables of an environment file of the host.
func (c CloudConfig) Environment(path string) (map[string]string, error) {
	content, ok := c.File(path)
	if !ok {
		return nil, fmt.Errorf("there is no %s in the user data", path)
	}
	variables, err := ParseEnvironment(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return variables, nil
}

// ParseEnvironment reads an environment file as systemd does, of the part of its form that the operator and the installer
// use: one variable a line, its value plain or in double quotes.
// https://www.freedesktop.org/software/systemd/man/systemd.exec.html#EnvironmentFile=
func ParseEnvironment(text string) (map[string]string, error) {
	variables := map[string]string{}
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSuffix(line, "\n")
		if line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("line %d is no assignment", number)
		}
		plain, err := unquoted(value)
		if err != nil {
			return nil, fmt.Errorf("line %d, %s: %w", number, name, err)
		}
		variables[name] = plain
	}
	return variables, nil
}

var errQuotes = errors.New("the value is not in one pair of double quotes, nor plain")

func unquoted(value string) (string, error) {
	inner, quoted := strings.CutPrefix(value, `"`)
	if !quoted {
		if strings.ContainsAny(value, "\"'\\ \t") {
			return "", errQuotes
		}
		return value, nil
	}
	var plain strings.Builder
	for i := 0; i < len(inner); i++ {
		switch c := inner[i]; {
		case c == '"':
			if i != len(inner)-1 {
				return "", errQuotes
			}
			return plain.String(), nil
		case c == '\\' && i+1 < len(inner) && strings.ContainsRune("\\\"$`", rune(inner[i+1])):
			i++
			plain.WriteByte(inner[i])
		default:
			plain.WriteByte(c)
		}
	}
	return "", errQuotes
}
