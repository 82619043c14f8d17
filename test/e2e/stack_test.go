package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
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
	"usermanagement.dev/stack/lab/dataplane"
	"usermanagement.dev/stack/lab/nspawn"
)

// patience bounds every wait of these tests. It is no measure: machines boot in seconds, on a busy machine in minutes.
const patience = 8 * time.Minute

// deployed is the stack that all tests look at, with the operator that looks after it.
type deployed struct {
	object *v1.UserManagementStack
	key    string // the administrator's private key, a file
}

// deployment makes the stack once for all tests.
var deployment = sync.OnceValues(deploy)

// stack is a stack that is Ready.
func stack(t *testing.T) *deployed {
	t.Helper()
	d, err := deployment()
	if err != nil {
		t.Fatal(err)
	}
	d.ready(t)
	return d
}

// deploy applies the production sample, with the release and an administrator's key of this run.
func deploy() (*deployed, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	d := &deployed{object: &v1.UserManagementStack{}, key: filepath.Join(folder, "administrator")}
	text, err := os.ReadFile(filepath.Join("..", "..", "config", "samples", "production.yaml"))
	if err != nil {
		return nil, err
	}
	if err := yaml.UnmarshalStrict(text, d.object); err != nil {
		return nil, err
	}
	if out, err := exec.CommandContext(ctx, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", d.key).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("make a key: %w: %s", err, out)
	}
	public, err := os.ReadFile(d.key + ".pub")
	if err != nil {
		return nil, err
	}
	spec := &d.object.Spec
	spec.Bastion.AuthorizedKeys = []string{strings.TrimSpace(string(public))}
	spec.Bastion.AllowedCIDRs = []string{dataplane.AdministratorAddress + "/32"}
	spec.Ingress.Domain.HostedZoneID = lab.Zone
	spec.Database.DeletionProtection = false
	spec.Hosts.Architecture = v1.Architecture(runtime.GOARCH)
	spec.App.Version = release.Version
	spec.App.Artifacts = []v1.Artifact{{
		Architecture: v1.Architecture(release.Architecture), URL: release.URL, SHA256: release.SHA256,
	}}
	d.object.Namespace = "team-a"
	if err := admin.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: d.object.Namespace}}); err != nil {
		return nil, err
	}
	if err := startOperator(d.object.Namespace); err != nil {
		return nil, err
	}
	return d, admin.Create(ctx, d.object)
}

// startOperator runs an operator until the process ends.
func startOperator(namespace string) error {
	config, err := lab.ControlPlane.UserConfig("operator", "system:masters")
	if err != nil {
		return err
	}
	m, err := controllers.NewManager(config, controllers.ManagerSettings{
		Workers: 4, MetricsAddress: "0", Namespace: namespace, ShutdownTimeout: 5 * time.Second, SameProcess: true,
	})
	if err != nil {
		return err
	}
	go m.Start(context.Background()) //nolint:errcheck // ends with the process
	return nil
}

// until waits until something holds; what says what, and is told how it was at last.
func (d *deployed) until(t *testing.T, what string, holds func() (ok bool, state string)) {
	t.Helper()
	deadline, state := time.Now().Add(patience), ""
	for time.Now().Before(deadline) {
		var ok bool
		if ok, state = holds(); ok {
			return
		}
		<-time.After(200 * time.Millisecond)
	}
	t.Fatalf("waited in vain until %s: %s\n%s", what, state, d.consoles())
}

// ready waits until the stack is Ready and all app hosts are healthy behind the load balancer.
func (d *deployed) ready(t *testing.T) {
	t.Helper()
	d.until(t, "the stack is Ready", func() (bool, string) {
		seen := &v1.UserManagementStack{}
		if err := admin.Get(t.Context(), client.ObjectKeyFromObject(d.object), seen); err != nil {
			return false, err.Error()
		}
		text, _ := yaml.Marshal(seen.Status.Conditions)
		return meta.IsStatusConditionTrue(seen.Status.Conditions, v1.ConditionReady), string(text)
	})
	d.until(t, "both hosts are healthy", func() (bool, string) {
		healthy := 0
		groups := lab.Cloud.TargetGroups()
		for _, g := range groups {
			for _, target := range g.Targets {
				if target.Health == "healthy" {
					healthy++
				}
			}
		}
		return healthy == 2, fmt.Sprintf("%d targets are healthy", healthy)
	})
}

// instances are the running instances whose object's name has a part in it, sorted by zone.
func instances(part string) []cloud.Instance {
	var found []cloud.Instance
	for _, i := range lab.Cloud.Instances() {
		if i.State == "running" && strings.Contains(i.Owner.Name, part) {
			found = append(found, i)
		}
	}
	slices.SortFunc(found, func(a, b cloud.Instance) int { return strings.Compare(a.Zone, b.Zone) })
	return found
}

func (d *deployed) hosts() []cloud.Instance { return instances("-host-") }

func (d *deployed) bastion(t *testing.T) cloud.Instance {
	t.Helper()
	found := instances("-bastion")
	if len(found) != 1 {
		t.Fatalf("there are %d bastions, want one", len(found))
	}
	return found[0]
}

// machine is the machine of an instance.
func machine(t *testing.T, i cloud.Instance) *nspawn.Machine {
	t.Helper()
	m, ok := lab.DataPlane.Machines.Machine(i.ID)
	if !ok {
		t.Fatalf("instance %s has no machine", i.ID)
	}
	return m
}

// on runs a program on an instance's machine, as root, and returns what it says.
func on(t *testing.T, i cloud.Instance, name string, arguments ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	command, err := machine(t, i).Command(ctx, name, arguments...)
	if err != nil {
		return "", err
	}
	out, err := command.CombinedOutput()
	return string(out), err
}

// database is the stack's DB instance.
func (d *deployed) database(t *testing.T) cloud.DBInstance {
	t.Helper()
	all := lab.Cloud.DBInstances()
	if len(all) != 1 {
		t.Fatalf("there are %d databases, want one", len(all))
	}
	return all[0]
}

// setupSecret is what makes the first administrator.
func (d *deployed) setupSecret(t *testing.T) string {
	t.Helper()
	secret := &corev1.Secret{}
	key := client.ObjectKey{Namespace: d.object.Namespace, Name: build.AppSecretName(d.object)}
	if err := admin.Get(t.Context(), key, secret); err != nil {
		t.Fatal(err)
	}
	return string(secret.Data["setup-secret"])
}

// console is what an instance has written to its console.
func console(instanceID string) string {
	text, err := os.ReadFile(lab.DataPlane.Machines.LogFile(instanceID))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (d *deployed) consoles() string {
	var all strings.Builder
	for _, i := range lab.Cloud.Instances() {
		text := console(i.ID)
		all.WriteString("--- " + i.Owner.Name + " " + i.ID + "\n" + text[max(0, len(text)-3000):] + "\n")
		if m, ok := lab.DataPlane.Machines.Machine(i.ID); ok {
			if command, err := m.Command(context.Background(), "journalctl", "--no-pager", "-n", "30"); err == nil {
				out, _ := command.CombinedOutput()
				all.Write(out)
			}
		}
	}
	return all.String()
}
