package acksim_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"usermanagement.dev/stack/lab/acksim"
	"usermanagement.dev/stack/lab/cloud"
)

const region = "us-east-2"

type m = map[string]any

// world is one namespace with controllers of its own and an AWS account of its own.
type world struct {
	t         testing.TB
	ctx       context.Context
	namespace string
	cfg       *rest.Config
	cloud     *cloud.Cloud
	sim       *acksim.Simulator
	client    dynamic.Interface
	core      kubernetes.Interface
	stop      func()
	opts      acksim.Options
}

func newWorld(t testing.TB, cloudOpts cloud.Options, opts acksim.Options) *world {
	t.Helper()
	return newWorldOn(t, cluster(t), cloudOpts, opts)
}

func newWorldOn(t testing.TB, cfg *rest.Config, cloudOpts cloud.Options, opts acksim.Options) *world {
	t.Helper()
	w := &world{t: t, ctx: t.Context(), cloud: cloud.New(cloudOpts)}
	w.cfg = unlimited(cfg)
	w.client = dynamic.NewForConfigOrDie(w.cfg)
	w.core = kubernetes.NewForConfigOrDie(w.cfg)
	ns, err := w.core.CoreV1().Namespaces().Create(w.ctx,
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "acksim-"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	w.namespace = ns.Name
	if opts.Pace == (acksim.Pace{}) {
		opts.Pace = acksim.Instant()
	}
	opts.Namespace = w.namespace
	w.opts = opts
	w.startSimulator()
	t.Cleanup(func() { w.stop(); w.cloud.Close() })
	return w
}

func (w *world) startSimulator() {
	w.t.Helper()
	sim, err := acksim.New(w.cfg, w.cloud, w.opts)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- sim.Start(ctx) }()
	w.sim, w.stop = sim, func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) { // stopped before it had begun
			w.t.Errorf("the simulator ended with an error: %v", err)
		}
	}
	if err := sim.WaitForSync(w.ctx); err != nil {
		w.t.Fatal(err)
	}
}

func gvr(kind string) schema.GroupVersionResource {
	services := map[string]string{
		"Role": "iam", "Policy": "iam", "InstanceProfile": "iam", "Secret": "secretsmanager", "DBSubnetGroup": "rds",
		"DBParameterGroup": "rds", "DBInstance": "rds", "Certificate": "acm", "RecordSet": "route53", "LoadBalancer": "elbv2",
		"TargetGroup": "elbv2", "Listener": "elbv2",
	}
	service, ok := services[kind]
	if !ok {
		service = "ec2"
	}
	plural := strings.ToLower(kind) + "s"
	switch kind {
	case "Policy":
		plural = "policies"
	case "ElasticIPAddress":
		plural = "elasticipaddresses"
	}
	return schema.GroupVersionResource{Group: service + ".services.k8s.aws", Version: "v1alpha1", Resource: plural}
}

func (w *world) resource(kind string) dynamic.ResourceInterface {
	return w.client.Resource(gvr(kind)).Namespace(w.namespace)
}

// apply is server-side apply as the operator does it.
func (w *world) apply(kind, name string, spec m, annotations ...string) *unstructured.Unstructured {
	w.t.Helper()
	meta := m{"name": name, "namespace": w.namespace}
	if len(annotations) > 0 {
		a := m{}
		for i := 0; i+1 < len(annotations); i += 2 {
			a[annotations[i]] = annotations[i+1]
		}
		meta["annotations"] = a
	}
	data, err := json.Marshal(m{"apiVersion": gvr(kind).Group + "/v1alpha1", "kind": kind, "metadata": meta, "spec": spec})
	if err != nil {
		w.t.Fatal(err)
	}
	force := true
	u, err := w.resource(kind).Patch(w.ctx, name, types.ApplyPatchType, data, metav1.PatchOptions{FieldManager: "ums", Force: &force})
	if err != nil {
		w.t.Fatalf("applying %s %s: %v", kind, name, err)
	}
	return u
}

func (w *world) get(kind, name string) *unstructured.Unstructured {
	w.t.Helper()
	u, err := w.resource(kind).Get(w.ctx, name, metav1.GetOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	return u
}

const patience = 20 * time.Second

// until waits for a condition on an object, and shows the object if it does not come true.
func (w *world) until(kind, name, what string, ok func(*unstructured.Unstructured) bool) *unstructured.Unstructured {
	w.t.Helper()
	var last *unstructured.Unstructured
	err := wait.PollUntilContextTimeout(w.ctx, 3*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		u, err := w.resource(kind).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		last = u
		return ok(u), nil
	})
	if err != nil {
		w.t.Fatalf("%s %s: %s: %v\n%s", kind, name, what, err, pretty(last))
	}
	return last
}

func pretty(u *unstructured.Unstructured) string {
	if u == nil {
		return "(nothing)"
	}
	c := u.DeepCopy()
	c.SetManagedFields(nil)
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err.Error()
	}
	return string(data)
}

func (w *world) ready(kind, name string) *unstructured.Unstructured {
	w.t.Helper()
	return w.until(kind, name, "ready", func(u *unstructured.Unstructured) bool { return condition(u, "Ready") == "True" })
}

func (w *world) delete(kind, name string) {
	w.t.Helper()
	if err := w.resource(kind).Delete(w.ctx, name, metav1.DeleteOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) gone(kind, name string) {
	w.t.Helper()
	err := wait.PollUntilContextTimeout(w.ctx, 3*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		_, err := w.resource(kind).Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return true, nil
		}
		return false, err
	})
	if err != nil {
		w.t.Fatalf("%s %s is not gone: %v\n%s", kind, name, err, pretty(w.get(kind, name)))
	}
}

// eventually waits for something that is not an object.
func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	err := wait.PollUntilContextTimeout(w.ctx, 3*time.Millisecond, patience, true,
		func(context.Context) (bool, error) { return ok(), nil })
	if err != nil {
		w.t.Fatalf("%s: %v", what, err)
	}
}

// conditionOf finds one condition.
func conditionOf(u *unstructured.Unstructured, kind string) m {
	for _, c := range elements(u.Object, "status.conditions") {
		if c["type"] == kind {
			return c
		}
	}
	return nil
}

func condition(u *unstructured.Unstructured, kind string) string {
	s, _ := conditionOf(u, kind)["status"].(string)
	return s
}

func message(u *unstructured.Unstructured, kind string) string {
	s, _ := conditionOf(u, kind)["message"].(string)
	return s
}

// field reads a value by dotted path.
func field(u *unstructured.Unstructured, path string) any {
	v, _, _ := unstructured.NestedFieldNoCopy(u.Object, strings.Split(path, ".")...)
	return v
}

// elements are the maps in a list at a dotted path; none if there is no such list.
func elements(object m, path string) []m {
	value, _, _ := unstructured.NestedFieldNoCopy(object, strings.Split(path, ".")...)
	list, _ := value.([]any)
	var found []m
	for _, element := range list {
		if e, ok := element.(m); ok {
			found = append(found, e)
		}
	}
	return found
}

func str(u *unstructured.Unstructured, path string) string {
	s, _ := field(u, path).(string)
	return s
}

func arn(u *unstructured.Unstructured) string { return str(u, "status.ackResourceMetadata.arn") }

func tags() []any { return []any{m{"key": "stack", "value": "prod"}} }

func (w *world) calls(op cloud.Op) int {
	made, _ := w.cloud.CallCount(op)
	return made
}

// live lists the owned AWS objects of a kind.
func (w *world) live(kind cloud.Kind) []cloud.Object {
	var found []cloud.Object
	for _, o := range w.cloud.OwnedObjects() {
		if o.Kind == kind {
			found = append(found, o)
		}
	}
	return found
}

func (w *world) secret(name, key, value string, kind corev1.SecretType) {
	w.t.Helper()
	_, err := w.core.CoreV1().Secrets(w.namespace).Create(w.ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: name}, StringData: map[string]string{key: value}, Type: kind,
	}, metav1.CreateOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
}

func list(values ...any) []any { return values }

func seq(format string, args ...any) string { return fmt.Sprintf(format, args...) }

// removeField takes a field out of spec with a JSON patch.
func (w *world) removeField(kind, name, path string) {
	w.t.Helper()
	patch := []byte(`[{"op":"remove","path":"` + path + `"}]`)
	if _, err := w.resource(kind).Patch(w.ctx, name, types.JSONPatchType, patch, metav1.PatchOptions{}); err != nil {
		w.t.Fatal(err)
	}
}
