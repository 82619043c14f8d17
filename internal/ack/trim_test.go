package ack

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestATrimmedObjectHasAllThatIsRead looks for the fields in the package's own source: one that is read and trimmed would never
// be seen in a cluster, however well every other test goes.
func TestATrimmedObjectHasAllThatIsRead(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	path := regexp.MustCompile(`"status(?:\.|", ")(\w+)`)
	var found int
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range path.FindAllSubmatch(text, -1) {
			found++
			if field := string(match[1]); !statusRead[field] {
				t.Errorf("%s reads status.%s, which Trim takes out", file, field)
			}
		}
	}
	if found < len(statusRead) {
		t.Errorf("only %d places were found that read a status: the search no longer fits the source", found)
	}
}

func TestTrimTakesOutWhatNobodyReads(t *testing.T) {
	object := &unstructured.Unstructured{Object: map[string]any{
		"kind":   "Instance",
		"spec":   map[string]any{"imageID": "ami-1", "userData": "bG9uZw=="},
		"status": map[string]any{"instanceID": "i-1", "hypervisor": "xen"},
	}}
	Trim(object)
	spec, _ := object.Object["spec"].(map[string]any)
	status, _ := object.Object["status"].(map[string]any)
	if len(spec) != 1 || len(status) != 1 || status["instanceID"] != "i-1" {
		t.Errorf("left are %v and %v", spec, status)
	}
	Trim(&unstructured.Unstructured{Object: map[string]any{"kind": "VPC"}})
}
