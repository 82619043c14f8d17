package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usermanagement.dev/stack/lab/controlplane"
	"usermanagement.dev/stack/lab/internal/process"
	"usermanagement.dev/stack/lab/loopback"
)

const (
	// operatorNamespace is where the chart is installed.
	operatorNamespace = "ums-system"
	// release is the name of the chart's release.
	release = "user-management-stack"
	// installTimeout bounds helm, readyTimeout the operator's start.
	installTimeout = 2 * time.Minute
	readyTimeout   = 2 * time.Minute
	readyRetry     = 100 * time.Millisecond
	probeTimeout   = 2 * time.Second
	stopGrace      = 5 * time.Second
	// tailLines is how much of a log is shown when its program has ended.
	tailLines = 15
)

// install has helm install the chart, with nothing of the user's own helm. No pod starts: the lab has no node.
func (d *demo) install(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, installTimeout)
	defer cancel()
	err := process.Run(ctx, process.Spec{
		Name: "helm", Path: d.options.program("helm"), Dir: d.folder.path, LogPath: d.folder.file("helm.log"),
		Args: []string{
			"install", release, d.options.chart(), "--namespace", operatorNamespace, "--create-namespace",
			"--kubeconfig", d.folder.file("kubeconfig"),
		},
		Env: []string{
			"HELM_CACHE_HOME=" + d.folder.file("helm"), "HELM_CONFIG_HOME=" + d.folder.file("helm"),
			"HELM_DATA_HOME=" + d.folder.file("helm"), "HELM_DRIVER=", "HELM_NAMESPACE=", "HELM_KUBECONTEXT=",
		},
	})
	if err != nil {
		return fmt.Errorf("install the chart: %w", err)
	}
	return nil
}

// operator is the manager that runs in the place of the Deployment's pods.
type operator struct {
	process *process.Process
	account string
	metrics string
	log     string
}

// startOperator does what a node would: it runs the Deployment's container, with its arguments and under its account.
func (d *demo) startOperator(ctx context.Context, plane *controlplane.ControlPlane) error {
	deployment, err := d.deployment(ctx)
	if err != nil {
		return err
	}
	pod := deployment.Spec.Template.Spec
	ports, err := freeAddresses(ctx, 2)
	if err != nil {
		return err
	}
	o := &operator{
		account: operatorNamespace + "/" + pod.ServiceAccountName,
		metrics: "http://" + ports[0] + "/metrics", log: d.folder.file("operator.log"),
	}
	kubeconfig := d.folder.file("operator.kubeconfig")
	err = plane.WriteUserKubeconfig(kubeconfig, "system:serviceaccount:"+operatorNamespace+":"+pod.ServiceAccountName,
		"system:serviceaccounts", "system:serviceaccounts:"+operatorNamespace, "system:authenticated")
	if err != nil {
		return err
	}
	// The last word counts: the same flags again, for what is different outside of a pod.
	args := append(slices.Clone(pod.Containers[0].Args), "--leader-elect-namespace="+operatorNamespace,
		"--metrics-insecure", "--metrics-bind-address="+ports[0], "--health-probe-bind-address="+ports[1],
		"--health-proxy="+d.lab.DataPlane.ProxyURL())
	o.process, err = process.Start(process.Spec{
		Name: "the operator", Path: d.options.program("manager"), Args: args, Dir: d.folder.path,
		// Load balancers' certificates come from the lab's own authority.
		Env: []string{"KUBECONFIG=" + kubeconfig, "SSL_CERT_FILE=" + d.lab.DataPlane.CAFile()}, LogPath: o.log,
	})
	if err != nil {
		return err
	}
	d.operator = o
	return o.awaitReady(ctx, "http://"+ports[1]+"/readyz")
}

func (d *demo) deployment(ctx context.Context) (*appsv1.Deployment, error) {
	var list appsv1.DeploymentList
	if err := d.client.List(ctx, &list, client.InNamespace(operatorNamespace)); err != nil {
		return nil, fmt.Errorf("look for the operator's Deployment: %w", err)
	}
	if len(list.Items) != 1 || len(list.Items[0].Spec.Template.Spec.Containers) != 1 {
		return nil, fmt.Errorf("the chart has made %d Deployments in %s; one with one container is expected", len(list.Items), operatorNamespace)
	}
	return &list.Items[0], nil
}

// awaitReady waits until the operator's own probe says so.
func (o *operator) awaitReady(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readyTimeout, fmt.Errorf("it is not ready after %s", readyTimeout))
	defer cancel()
	tick := time.NewTicker(readyRetry)
	defer tick.Stop()
	for !answers(ctx, url) {
		select {
		case <-o.process.Done():
			return o.died()
		case <-ctx.Done():
			return fmt.Errorf("wait for the operator: %w; the end of its log:\n%s", context.Cause(ctx), o.process.Tail(tailLines))
		case <-tick.C:
		}
	}
	return nil
}

func answers(ctx context.Context, url string) bool { return answersWith(ctx, http.DefaultClient, url) }

// answersWith reports whether a client gets 200 from an address.
func answersWith(ctx context.Context, client *http.Client, url string) bool {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return false
	}
	response, err := client.Do(request)
	if err != nil {
		return false
	}
	return errors.Join(response.Body.Close()) == nil && response.StatusCode == http.StatusOK
}

// died is what to say of an operator that has ended by itself.
func (o *operator) died() error {
	how := o.process.Err()
	if how == nil {
		how = errors.New("with exit code 0")
	}
	return fmt.Errorf("the operator has ended by itself (%w); the end of its log:\n%s", how, o.process.Tail(tailLines))
}

func (o *operator) stop() error {
	if o == nil {
		return nil
	}
	return o.process.Stop(stopGrace)
}

// freeAddresses are addresses on loopback that nobody listens on at the moment.
func freeAddresses(ctx context.Context, n int) ([]string, error) {
	addresses := make([]string, 0, n)
	for range n {
		address, err := loopback.FreeAddress(ctx)
		if err != nil {
			return nil, err
		}
		addresses = append(addresses, address)
	}
	return addresses, nil
}

// relative is a path as it is written from the folder the demo was started in, if that is shorter.
func relative(from, path string) string {
	short, err := filepath.Rel(from, path)
	if err != nil || len(short) > len(path) {
		return path
	}
	return short
}
