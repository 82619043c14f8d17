// Package ackcrd finds the CustomResourceDefinitions of the ACK kinds on this machine: for tests, and for the lab, which
// installs them. The operator itself has no use for them; in a real cluster they come with the ACK controllers.
package ackcrd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"usermanagement.dev/stack/internal/ack"
)

// EnvFolder names a folder, searched in any depth, that holds ACK's own newest definitions.
const EnvFolder = "UMS_ACK_CRDS"

// made is where `make ack-crds` puts definitions that do without the newest ones.
const made = "bin/ack-crds"

var errNoModule = errors.New("no go.mod here or above")

// Folders are the folders with definitions on this machine, the newest definitions first.
func Folders() ([]string, error) {
	var folders []string
	if named := os.Getenv(EnvFolder); named != "" {
		folders = append(folders, named)
	}
	root, err := moduleRoot()
	if err != nil {
		return folders, fmt.Errorf("ackcrd: %w", err)
	}
	if _, err := os.Stat(filepath.Join(root, made)); err == nil {
		folders = append(folders, filepath.Join(root, made))
	}
	return folders, nil
}

// Read is the YAML of every kind's definition in a folder. It fails if one is not there.
func Read(folder string) (map[ack.Kind][]byte, error) {
	definitions := make(map[ack.Kind][]byte)
	err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		for _, kind := range ack.Kinds() {
			if filepath.Base(path) != kind.Group()+"_"+kind.Plural+".yaml" {
				continue
			}
			if definitions[kind], err = os.ReadFile(path); err != nil { //nolint:gosec // a folder that the user named
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("ackcrd: %w", err)
	}
	for _, kind := range ack.Kinds() {
		if definitions[kind] == nil {
			return nil, fmt.Errorf("ackcrd: %s has no %s_%s.yaml", folder, kind.Group(), kind.Plural)
		}
	}
	return definitions, nil
}

// moduleRoot is the folder with this module's go.mod: tests run in their package's folder.
func moduleRoot() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder, nil
		}
		if parent := filepath.Dir(folder); parent != folder {
			folder = parent
			continue
		}
		return "", errNoModule
	}
}
