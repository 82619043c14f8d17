package controlplane

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"usermanagement.dev/stack/lab/controlplane/binaries"
	"usermanagement.dev/stack/lab/internal/process"
)

const (
	// collectorLimit bounds the wait for the garbage collector's first collection.
	collectorLimit = 60 * time.Second
	collectorPoll  = 50 * time.Millisecond
)

// StartControllerManager adds a kube-controller-manager that runs the garbage collector
// (owner references; foreground and background deletion) and the namespace controller
// (empties a deleted namespace), and returns when the collector collects. The program
// is built the first time, which takes minutes; ctx bounds all that. Install CRDs
// before: the collector looks for new kinds only every 30 s. Stop ends it too.
func (cp *ControlPlane) StartControllerManager(ctx context.Context) error {
	locator := binaries.Locator{Progress: cp.opts.Progress}
	found, err := locator.Locate(ctx, binaries.ControllerManager)
	if err != nil {
		return fmt.Errorf("find the controller manager: %w", err)
	}
	cp.programs[binaries.ControllerManager] = found[binaries.ControllerManager]
	path := cp.layout.path("controller-manager.kubeconfig")
	if err := cp.WriteUserKubeconfig(path, "system:kube-controller-manager", "system:masters"); err != nil {
		return err
	}
	manager, err := cp.run(binaries.ControllerManager, controllerManagerArgs(cp.layout))
	if err != nil {
		return err
	}
	go cp.watch(manager, binaries.ControllerManager)
	return cp.waitCollector(ctx, manager)
}

// waitCollector makes an object whose owner does not exist and waits until it has been
// collected: only that shows that the collector has built its graph.
func (cp *ControlPlane) waitCollector(ctx context.Context, manager *process.Process) error {
	client, err := corev1client.NewForConfig(cp.admin)
	if err != nil {
		return fmt.Errorf("make a client for the collector's test object: %w", err)
	}
	objects := client.ConfigMaps(metav1.NamespaceDefault)
	orphan, err := objects.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		GenerateName: "lab-collector-test-",
		OwnerReferences: []metav1.OwnerReference{{
			APIVersion: "v1", Kind: "ConfigMap", Name: "lab-no-such-owner", UID: "00000000-0000-0000-0000-000000000000",
		}},
	}}, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("make an object for the garbage collector to collect: %w", err)
	}
	err = wait.PollUntilContextTimeout(ctx, collectorPoll, collectorLimit, true, func(ctx context.Context) (bool, error) {
		select {
		case <-manager.Done():
			return false, died(manager, binaries.ControllerManager)
		default:
		}
		_, err := objects.Get(ctx, orphan.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return true, nil
		}
		return false, err
	})
	if err != nil {
		return fmt.Errorf("wait for the garbage collector: %w; the end of its log:\n%s", err, manager.Tail(logTail))
	}
	return nil
}
