package install

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// alert is one rule of a PrometheusRule.
type alert struct {
	Alert       string            `json:"alert"`
	Expr        string            `json:"expr"`
	For         string            `json:"for"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// alerts are those of config/prometheus.
func alerts(t *testing.T) []alert {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "config", "prometheus", "alerts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var rule struct {
		Spec struct {
			Groups []struct {
				Rules []alert `json:"rules"`
			} `json:"groups"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal(text, &rule); err != nil {
		t.Fatal(err)
	}
	var all []alert
	for _, group := range rule.Spec.Groups {
		all = append(all, group.Rules...)
	}
	return all
}

func TestEveryAlertHasARunbookAndEveryRunbookAnAlert(t *testing.T) {
	folder := filepath.Join(root, "docs", "runbooks")
	index, err := os.ReadFile(filepath.Join(folder, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"README.md": true}
	for _, a := range alerts(t) {
		page := a.Alert + ".md"
		known[page] = true
		if a.Annotations["runbook"] != "docs/runbooks/"+page || a.Annotations["summary"] == "" {
			t.Errorf("%s: it must have a summary and the runbook docs/runbooks/%s: %v", a.Alert, page, a.Annotations)
		}
		text, err := os.ReadFile(filepath.Join(folder, page))
		if err != nil || !strings.Contains(string(text), "**To users:**") || !strings.Contains(string(text), "## Look") {
			t.Errorf("%s: its runbook must say what it means to users and what to look at: %v", a.Alert, err)
		}
		if row := "| [" + a.Alert + "](" + page + ") | " + a.Labels["severity"] + " |"; !strings.Contains(string(index), row) {
			t.Errorf("%s: the index of the runbooks has no row %q", a.Alert, row)
		}
	}
	pages, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		if !known[page.Name()] {
			t.Errorf("the runbook %s belongs to no alert", page.Name())
		}
	}
}
