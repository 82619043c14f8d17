package install

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// chart is where the Helm chart is, from this folder.
var chart = filepath.Join(root, "charts", "user-management-stack")

// toolTimeout bounds one call of a tool.
const toolTimeout = 3 * time.Minute

// helm runs helm and returns what it printed to its standard output.
func helm(t testing.TB, arguments ...string) string {
	t.Helper()
	out, err := tryHelm(t, arguments...)
	if err != nil {
		t.Fatalf("helm %q: %v", arguments, err)
	}
	return out
}

// tryHelm is helm where an error is expected. The error holds what helm printed.
func tryHelm(t testing.TB, arguments ...string) (string, error) {
	t.Helper()
	home := t.TempDir()
	return runTool(t, tool(t, "helm"), []string{
		"HELM_CACHE_HOME=" + home, "HELM_CONFIG_HOME=" + home, "HELM_DATA_HOME=" + home, "KUBECONFIG=" + shared.kubeconfig,
	}, arguments...)
}

// template renders the chart under its default name.
func template(t testing.TB, arguments ...string) []object {
	t.Helper()
	return parse(t, helm(t, append([]string{"template", release, chart, "--namespace", namespace}, arguments...)...))
}

// kustomize builds a folder.
func kustomize(t testing.TB, folder string) []object {
	t.Helper()
	out, err := runTool(t, tool(t, "kustomize"), nil, "build", folder)
	if err != nil {
		t.Fatalf("kustomize build %s: %v", folder, err)
	}
	return parse(t, out)
}

// tool is the path of one of bin/'s programs, which make builds if it is not there.
func tool(t testing.TB, name string) string {
	t.Helper()
	out, err := exec.CommandContext(context.WithoutCancel(t.Context()), "make", "-C", root, "bin/"+name).CombinedOutput()
	if err != nil {
		t.Fatalf("make bin/%s: %v\n%s", name, err, out)
	}
	return filepath.Join(root, "bin", name)
}

func runTool(t testing.TB, path string, environment []string, arguments ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), toolTimeout) // cleanups call it too
	defer cancel()
	command := exec.CommandContext(ctx, path, arguments...)
	command.Env = append(os.Environ(), environment...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%w\n%s%s", err, stdout.Bytes(), stderr.Bytes())
	}
	return stdout.String(), nil
}

// prometheusModule holds the definitions of ServiceMonitor and PrometheusRule.
const prometheusModule = "github.com/prometheus-operator/prometheus-operator@v0.85.0"

// prometheusOperator are the definitions of the Prometheus operator's kinds that we make objects of, from its Go module.
func prometheusOperator(ctx context.Context) ([]string, error) {
	command := exec.CommandContext(ctx, "go", "mod", "download", "-json", prometheusModule)
	command.Dir = os.TempDir() // outside of this module, whose go.mod does not name it
	out, err := command.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			err = fmt.Errorf("%w\n%s%s", err, out, exit.Stderr)
		}
		return nil, fmt.Errorf("get %s: %w", prometheusModule, err)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		return nil, fmt.Errorf("get %s: %w", prometheusModule, err)
	}
	folder := filepath.Join(module.Dir, "example", "prometheus-operator-crd")
	return []string{
		filepath.Join(folder, "monitoring.coreos.com_prometheusrules.yaml"),
		filepath.Join(folder, "monitoring.coreos.com_servicemonitors.yaml"),
	}, nil
}
