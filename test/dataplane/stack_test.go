package dataplane

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/controllers"
	"usermanagement.dev/stack/internal/build"
	"usermanagement.dev/stack/lab/cloud"
	"usermanagement.dev/stack/lab/environment"
	"usermanagement.dev/stack/lab/origin"
)

// patience bounds every wait of these tests. It is no measure: a busy machine is slow.
const patience = 2 * time.Minute

// deployed is a stack of a test's own, with an operator that looks after it.
type deployed struct {
	t         *testing.T
	namespace string
	object    *v1.UserManagementStack
}

// deploy applies the minimal sample with a release, and runs an operator for it.
func deploy(t *testing.T, release origin.Artifact, changes ...func(*v1.UserManagementStack)) *deployed {
	t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "t-"}}
	if err := admin.Create(t.Context(), ns); err != nil {
		t.Fatal(err)
	}
	d := &deployed{t: t, namespace: ns.Name, object: &v1.UserManagementStack{}}
	text, err := os.ReadFile(filepath.Join("..", "..", "config", "samples", "minimal.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(text, d.object); err != nil {
		t.Fatal(err)
	}
	spec := &d.object.Spec
	d.object.Namespace = ns.Name
	spec.Ingress.Domain.Name, spec.Ingress.Domain.HostedZoneID = d.domain(), lab.Zone
	spec.Database.DeletionProtection = false
	d.setRelease(release)
	for _, change := range changes {
		change(d.object)
	}
	d.startOperator()
	if err := admin.Create(t.Context(), d.object); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *deployed) domain() string { return "users." + d.namespace + "." + environment.Domain }

func (d *deployed) url() string { return "https://" + d.domain() }

func (d *deployed) setRelease(release origin.Artifact) {
	d.object.Spec.Hosts.Architecture = v1.Architecture(runtime.GOARCH)
	d.object.Spec.App.Version = release.Version
	d.object.Spec.App.Artifacts = []v1.Artifact{{
		Architecture: v1.Architecture(release.Architecture), URL: release.URL, SHA256: release.SHA256,
	}}
}

func (d *deployed) startOperator() {
	d.t.Helper()
	config, err := lab.ControlPlane.UserConfig("operator", "system:masters")
	if err != nil {
		d.t.Fatal(err)
	}
	m, err := controllers.NewManager(config, operatorSettings(d.namespace))
	if err != nil {
		d.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- m.Start(ctx) }()
	d.t.Cleanup(func() {
		stop()
		<-ended //nolint:errcheck // it was told to end
	})
}

// until waits until something holds; what says what, and is told how it was at last.
func (d *deployed) until(what string, holds func() (ok bool, state string)) {
	d.t.Helper()
	deadline, state := time.Now().Add(patience), ""
	for time.Now().Before(deadline) {
		var ok bool
		if ok, state = holds(); ok {
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	d.t.Fatalf("waited in vain until %s: %s\n%s", what, state, d.consoles())
}

// ready waits until the stack is Ready.
func (d *deployed) ready() {
	d.t.Helper()
	d.until("the stack is Ready", func() (bool, string) {
		seen := &v1.UserManagementStack{}
		if err := admin.Get(d.t.Context(), client.ObjectKeyFromObject(d.object), seen); err != nil {
			return false, err.Error()
		}
		text, _ := yaml.Marshal(seen.Status)
		ready := meta.IsStatusConditionTrue(seen.Status.Conditions, v1.ConditionReady)
		return ready && seen.Status.ObservedGeneration == seen.Generation, string(text)
	})
}

// instances are the ids of the stack's app hosts that exist, sorted.
func (d *deployed) instances() []string {
	var ids []string
	for _, i := range lab.Cloud.Instances() {
		if i.Owner.Namespace == d.namespace && i.State == "running" && strings.Contains(i.Owner.Name, "-host-") {
			ids = append(ids, i.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// database is the stack's DB instance.
func (d *deployed) database() *cloud.DBInstance {
	d.t.Helper()
	for _, i := range lab.Cloud.DBInstances() {
		if i.Owner.Namespace == d.namespace {
			return &i
		}
	}
	d.t.Fatal("the stack has no database")
	return nil
}

// setupSecret is what makes the first administrator.
func (d *deployed) setupSecret() string {
	d.t.Helper()
	secret := &corev1.Secret{}
	key := client.ObjectKey{Namespace: d.namespace, Name: build.AppSecretName(d.object)}
	if err := admin.Get(d.t.Context(), key, secret); err != nil {
		d.t.Fatal(err)
	}
	return string(secret.Data["setup-secret"])
}

// console is what a host has said.
func console(instanceID string) string {
	text, err := os.ReadFile(lab.DataPlane.Processes.LogFile(instanceID))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (d *deployed) consoles() string {
	var all strings.Builder
	for _, id := range d.instances() {
		text := console(id)
		all.WriteString("--- " + id + "\n" + text[max(0, len(text)-3000):] + "\n")
	}
	return all.String()
}
