package controlplane

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// readCRDs reads the definitions in files and directories.
func readCRDs(paths []string) ([]rawCRD, error) {
	var all []rawCRD
	for _, path := range paths {
		files, err := manifests(path)
		if err != nil {
			return nil, fmt.Errorf("look for CustomResourceDefinitions in %s: %w", path, err)
		}
		before := len(all)
		for _, file := range files {
			crds, err := readFile(file)
			if err != nil {
				return nil, fmt.Errorf("read CustomResourceDefinitions: %w", err)
			}
			all = append(all, crds...)
		}
		if len(all) == before {
			return nil, fmt.Errorf("%s holds no CustomResourceDefinition (looked into %d .yaml, .yml and .json files)", path, len(files))
		}
	}
	return all, nil
}

// manifests are the file itself, or all manifests below the directory.
func manifests(path string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(path, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		wanted := slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(file))
		if !entry.IsDir() && (wanted || file == path) {
			files = append(files, file)
		}
		return nil
	})
	return files, err
}

func readFile(file string) ([]rawCRD, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content)))
	var crds []rawCRD
	for n := 1; ; n++ {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return crds, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s, document %d: %w", file, n, err)
		}
		crd, ok, err := parseCRD(document)
		if err != nil {
			return nil, fmt.Errorf("%s, document %d: %w", file, n, err)
		}
		if ok {
			crd.File = file
			crds = append(crds, crd)
		}
	}
}

func parseCRD(document []byte) (crd rawCRD, ok bool, err error) {
	var head metav1.PartialObjectMetadata
	if err := yaml.Unmarshal(document, &head); err != nil {
		return rawCRD{}, false, err
	}
	if head.Kind != "CustomResourceDefinition" {
		return rawCRD{}, false, nil
	}
	if head.Name == "" {
		return rawCRD{}, false, errors.New("a CustomResourceDefinition without metadata.name")
	}
	content, err := yaml.YAMLToJSON(document)
	return rawCRD{Name: head.Name, JSON: content}, true, err
}
