// Command chart writes those parts of the Helm chart that have their source elsewhere: what config/ and the Go code say
// about rights, the CRD, alerts and the guard, and what values.source.yaml says about values.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	root := flag.String("root", ".", "the repository's root")
	flag.Parse()
	if err := run(*root); err != nil {
		fmt.Fprintln(os.Stderr, "chart:", err)
		os.Exit(1)
	}
}

func run(root string) error {
	chart := filepath.Join(root, "charts", "user-management-stack")
	if err := copyShared(filepath.Join(root, "config"), filepath.Join(chart, "files")); err != nil {
		return fmt.Errorf("copy what chart and kustomize base share: %w", err)
	}
	values, err := readValues(filepath.Join(chart, "values.source.yaml"))
	if err != nil {
		return err
	}
	schema, err := values.schema()
	if err != nil {
		return fmt.Errorf("write the schema of the values: %w", err)
	}
	if err := write(filepath.Join(chart, "values.schema.json"), schema); err != nil {
		return err
	}
	if err := write(filepath.Join(chart, "values.yaml"), values.defaults()); err != nil {
		return err
	}
	return fillTable(filepath.Join(chart, "README.md"), values.table())
}

// shared are the files that chart and kustomize base have in common, by their place in either.
func shared() map[string]string {
	return map[string]string{
		"crd/bases/usermanagement.dev_usermanagementstacks.yaml": "crds/usermanagement.dev_usermanagementstacks.yaml",
		"rbac/role.yaml":                     "role.yaml",
		"rbac/aggregate_roles.yaml":          "aggregate_roles.yaml",
		"rbac/metrics_reader.yaml":           "metrics_reader.yaml",
		"prometheus/alerts.yaml":             "alerts.yaml",
		"admission/child_guard.yaml":         "child_guard.yaml",
		"admission/child_guard_binding.yaml": "child_guard_binding.yaml",
	}
}

// copyShared makes the chart's folder of shared files anew: a chart cannot read outside its own folder.
func copyShared(from, to string) error {
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	for source, target := range shared() {
		text, err := os.ReadFile(filepath.Join(from, filepath.FromSlash(source)))
		if err != nil {
			return err
		}
		if err := write(filepath.Join(to, filepath.FromSlash(target)), text); err != nil {
			return err
		}
	}
	return nil
}

// write writes a file of the repository, which everybody who works on it reads.
func write(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // nothing here is secret
		return err
	}
	return os.WriteFile(path, text, 0o644) //nolint:gosec // nothing here is secret
}
