package demo

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// standing is a demo whose stack is shown.
func standing(t *testing.T, root, namespace string) *demo {
	t.Helper()
	object := &unstructured.Unstructured{}
	object.SetName("prod")
	object.SetNamespace(namespace)
	t.Chdir(root)
	return &demo{
		options: Options{Root: root}, folder: &folder{path: filepath.Join(root, ".lab", "1")},
		sample: &sample{object: object}, site: site{url: "http://localhost:8443"}, operator: &operator{metrics: "http://127.0.0.1:1/metrics"},
	}
}

func TestGuideWithoutKubectl(t *testing.T) {
	root := filepath.Join(t.TempDir(), "a checkout")
	if err := os.MkdirAll(filepath.Join(root, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", "")
	text := standing(t, root, "team-a").guide()
	for _, want := range []string{
		"in '" + root + "'\n", "first run `make kubectl`",
		"bin/kubectl --kubeconfig .lab/1/kubeconfig --namespace team-a get ums -o wide\n",
		"bin/kubectl-ums tree prod --kubeconfig .lab/1/kubeconfig --namespace team-a\n",
		"bin/kubectl --kubeconfig .lab/1/kubeconfig --namespace team-a delete ums prod\n",
		"curl -s http://127.0.0.1:1/metrics\n", "open          http://localhost:8443\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the guide lacks %q:\n%s", want, text)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "bin", "kubectl"), nil, 0o700); err != nil {
		t.Fatal(err)
	}
	if text = standing(t, root, "default").guide(); strings.Contains(text, "make kubectl") {
		t.Errorf("kubectl is built, and the guide says how to build it:\n%s", text)
	}
}
