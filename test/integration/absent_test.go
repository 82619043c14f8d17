package integration

import (
	"context"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
	"usermanagement.dev/stack/lab/acksim"
	"usermanagement.dev/stack/lab/controlplane"
	"usermanagement.dev/stack/lab/environment"
	"usermanagement.dev/stack/test/stacktest"
)

// TestAnAbsentControllerIsNamedAndWaitedFor: one ACK controller is not installed at all, another is not running. Both are
// named, everything else is made, and the stack goes on by itself when they come.
func TestAnAbsentControllerIsNamedAndWaitedFor(t *testing.T) {
	const missing, stopped = "route53", "elbv2"
	crds, absent := definitionsWithout(t, missing)
	useOwnLab(t, crds, missing, stopped)
	namespace := lab.Namespace(t)
	settings := lab.OperatorSettings(namespace, healthInterval)
	// By this clock every object is two minutes old when it is made, which is longer than a running controller takes.
	settings.Clock = func() time.Time { return time.Now().Add(2 * time.Minute) }
	runOperator(t, settings)
	stack := create(t, namespace, sample(t, "minimal"))

	if hint := blockedBy(t, stack, "RecordSet", v1.ReasonCRDMissing).Hint; !strings.Contains(hint, missing) {
		t.Errorf("it does not say which controller to install: %s", hint)
	}
	if hint := blockedBy(t, stack, "LoadBalancer", v1.ReasonControllerMissing).Hint; !strings.Contains(hint, stopped) {
		t.Errorf("it does not say which controller to start: %s", hint)
	}
	eventually(t, stack, "the rest of the network is there", func(s *stackObject) bool {
		return meta.IsStatusConditionTrue(s.Status.Conditions, v1.ComponentCondition(v1.ComponentNetwork))
	})

	if err := controlplane.InstallCRDs(t.Context(), lab.ControlPlane.Config(), absent...); err != nil {
		t.Fatal(err)
	}
	startControllers(t, missing, stopped)
	eventuallyReady(t, stack)
}

// definitionsWithout are the definitions to install, and those of one service.
func definitionsWithout(t *testing.T, service string) (present, absent []string) {
	t.Helper()
	folders, err := environment.CRDs(stacktest.Root)
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil || entry.IsDir() || filepath.Ext(path) != ".yaml":
			case strings.HasPrefix(entry.Name(), service+"."):
				absent = append(absent, path)
			case strings.Contains(entry.Name(), "_"): // GROUP_PLURAL.yaml, as controller-gen names definitions
				present = append(present, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return present, absent
}

// useOwnLab starts a lab that lacks the controllers of some services, in place of the shared one until the test ends.
func useOwnLab(t *testing.T, crds []string, without ...string) {
	t.Helper()
	options := labOptions()
	options.CRDs, options.Without = crds, without
	own, err := stacktest.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	shared, sharedAdmin := lab, admin
	t.Cleanup(func() {
		lab, admin = shared, sharedAdmin
		if err := own.Stop(); err != nil {
			t.Errorf("stop the test's own lab: %v", err)
		}
	})
	lab, admin = own, own.Admin
}

// startControllers starts the ACK controllers of some services beside those that run.
func startControllers(t *testing.T, services ...string) {
	t.Helper()
	running := map[string]bool{}
	for _, kind := range ack.Kinds() {
		running[kind.Service] = true
	}
	for _, service := range services {
		delete(running, service)
	}
	var without []string
	for service := range running {
		without = append(without, service)
	}
	config, err := lab.ControlPlane.UserConfig("ack", "system:masters")
	if err != nil {
		t.Fatal(err)
	}
	simulator, err := acksim.New(config, lab.Cloud, acksim.Options{Pace: acksim.Instant(), Without: without})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- simulator.Start(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the controllers ended: %v", err)
		}
	})
}
