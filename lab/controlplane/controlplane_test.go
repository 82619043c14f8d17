package controlplane_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"usermanagement.dev/stack/lab/controlplane"
	"usermanagement.dev/stack/lab/controlplane/binaries"
	"usermanagement.dev/stack/lab/controlplane/controlplanetest"
)

func clientFor(t *testing.T, config *rest.Config) kubernetes.Interface {
	t.Helper()
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func configMap(name string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}
}

func TestServerIsReadyAndSaysItsVersion(t *testing.T) {
	cp := controlplanetest.Shared(t)
	client := clientFor(t, cp.Config())
	body, err := client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(t.Context())
	if err != nil || string(body) != "ok" {
		t.Fatalf("/readyz: %q, %v", body, err)
	}
	version, err := client.Discovery().ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	programs, err := binaries.Locator{}.Locate(t.Context(), binaries.APIServer)
	if err != nil {
		t.Fatal(err)
	}
	output, err := exec.CommandContext(t.Context(), programs[binaries.APIServer], "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.TrimSpace(string(output)); "Kubernetes "+version.GitVersion != want {
		t.Errorf("/version says %s, the program %s", version.GitVersion, want)
	}
	minor := binaries.KubernetesVersion[:strings.LastIndex(binaries.KubernetesVersion, ".")]
	if os.Getenv(binaries.AssetsVariable) == "" && !strings.HasPrefix(version.GitVersion, minor+".") {
		t.Errorf("/version says %s, want a %s", version.GitVersion, minor)
	}
}

func TestUserMayDoWhatRBACGrantsAndNoMore(t *testing.T) {
	cp := controlplanetest.Shared(t)
	namespace := controlplanetest.Namespace(t, cp)
	config, err := cp.UserConfig("reader", "people")
	if err != nil {
		t.Fatal(err)
	}
	user, admin := clientFor(t, config), clientFor(t, cp.Config())

	_, err = user.CoreV1().ConfigMaps(namespace).List(t.Context(), metav1.ListOptions{})
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), `"reader"`) {
		t.Fatalf("before the grant: %v, want Forbidden for reader", err)
	}
	grantConfigMapReads(t, admin, namespace, "people")
	if _, err := user.CoreV1().ConfigMaps(namespace).List(t.Context(), metav1.ListOptions{}); err != nil {
		eventually(t, "the grant to take effect", func() (bool, error) {
			_, err := user.CoreV1().ConfigMaps(namespace).List(t.Context(), metav1.ListOptions{})
			return err == nil, err
		})
	}
	_, err = user.CoreV1().ConfigMaps(namespace).Create(t.Context(), configMap("x"), metav1.CreateOptions{})
	if !apierrors.IsForbidden(err) {
		t.Errorf("a write that was not granted: %v, want Forbidden", err)
	}
}

func grantConfigMapReads(t *testing.T, admin kubernetes.Interface, namespace, group string) {
	t.Helper()
	meta := metav1.ObjectMeta{Name: "read-configmaps"}
	role := &rbacv1.Role{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{{
		APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"get", "list"},
	}}}
	if _, err := admin.RbacV1().Roles(namespace).Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: meta,
		Subjects:   []rbacv1.Subject{{Kind: "Group", APIGroup: rbacv1.GroupName, Name: group}},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: meta.Name},
	}
	if _, err := admin.RbacV1().RoleBindings(namespace).Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func TestNobodyGetsInWithoutACertificate(t *testing.T) {
	config := controlplanetest.Shared(t).Config()
	config.CertData, config.KeyData = nil, nil
	_, err := clientFor(t, config).CoreV1().Namespaces().List(t.Context(), metav1.ListOptions{})
	if !apierrors.IsUnauthorized(err) {
		t.Errorf("without a certificate: %v, want Unauthorized", err)
	}
}

func TestKubeconfigIsPrivateAndWorks(t *testing.T) {
	cp := controlplanetest.Shared(t)
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := cp.WriteKubeconfig(path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the kubeconfig has mode %v, want -rw-------", info.Mode())
	}
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := clientFor(t, config).CoreV1().Namespaces().Get(t.Context(), "default", metav1.GetOptions{}); err != nil {
		t.Errorf("use the kubeconfig: %v", err)
	}
}

func TestSecondStartOnTheSameDataGoesOn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("a-long-path/", 12)) // longer than a socket's path may be
	first := controlplanetest.Start(t, controlplane.Options{DataDir: dir})
	maps := clientFor(t, first.Config()).CoreV1().ConfigMaps("default")
	_, err := maps.Create(t.Context(), configMap("kept"), metav1.CreateOptions{})
	must(t, err)
	_, err = controlplane.Start(t.Context(), controlplane.Options{DataDir: dir})
	if err == nil || !strings.Contains(err.Error(), "in use by another control plane") {
		t.Errorf("a second control plane on the same data: %v, want a refusal", err)
	}
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	controlplanetest.Start(t, controlplane.Options{DataDir: dir})
	// The old client: the port and the authority are the same again.
	if _, err := maps.Get(t.Context(), "kept", metav1.GetOptions{}); err != nil {
		t.Errorf("read with the first start's configuration what was written before: %v", err)
	}
}

func TestStartErrorsSayWhatToDo(t *testing.T) {
	t.Run("port in use", func(t *testing.T) {
		var network net.ListenConfig
		listener, err := network.Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = listener.Close() })
		address, err := netip.ParseAddrPort(listener.Addr().String())
		must(t, err)
		port := int(address.Port())
		failsWith(t, controlplane.Options{Port: port}, fmt.Sprintf("port %d on 127.0.0.1 is in use", port), "choose another")
	})
	t.Run("bad argument", func(t *testing.T) {
		failsWith(t, controlplane.Options{APIServerArgs: []string{"--no-such-flag"}},
			"kube-apiserver has ended by itself", "unknown flag: --no-such-flag")
	})
}

// failsWith expects a start to fail with all the words, and to leave no directory.
func failsWith(t *testing.T, opts controlplane.Options, words ...string) {
	t.Helper()
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	cp, err := controlplane.Start(context.Background(), opts)
	if err == nil {
		_ = cp.Stop()
		t.Fatal("the start succeeded")
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the error lacks %q:\n%v", word, err)
		}
	}
	left, err := os.ReadDir(temporary)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}
