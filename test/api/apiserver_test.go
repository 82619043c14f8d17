package api_test

import (
	"context"
	"os"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
	"usermanagement.dev/stack/lab/controlplane"
	"usermanagement.dev/stack/lab/controlplane/controlplanetest"
)

const stackCRD = "../../config/crd/bases"

// limit bounds one request.
const limit = 30 * time.Second

func TestMain(m *testing.M) { os.Exit(controlplanetest.Run(m, controlplane.Options{})) }

// server is a real API server with definitions installed, and a namespace in it.
type server struct {
	client    dynamic.Interface
	namespace string
}

func serverWith(t *testing.T, cp *controlplane.ControlPlane, definitions ...string) server {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*limit)
	defer cancel()
	if err := controlplane.InstallCRDs(ctx, cp.Config(), definitions...); err != nil {
		t.Fatal(err)
	}
	config := cp.Config()
	config.QPS = -1 // the test is the only client
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return server{client: client, namespace: controlplanetest.Namespace(t, cp)}
}

// resources maps kinds to the names of their resources.
var resources = func() map[schema.GroupVersionKind]schema.GroupVersionResource {
	mapped := map[schema.GroupVersionKind]schema.GroupVersionResource{
		v1.GroupVersionKind: v1.GroupVersion.WithResource("usermanagementstacks"),
	}
	for _, kind := range ack.Kinds() {
		mapped[kind.GVK()] = schema.GroupVersionResource{Group: kind.Group(), Version: ack.Version, Resource: kind.Plural}
	}
	return mapped
}()

// of is the client of an object's kind in the test's namespace, which the object is put into.
func (s server) of(t *testing.T, object *unstructured.Unstructured) dynamic.ResourceInterface {
	t.Helper()
	resource, known := resources[object.GroupVersionKind()]
	if !known {
		t.Fatal(&meta.NoKindMatchError{GroupKind: object.GroupVersionKind().GroupKind()})
	}
	object.SetNamespace(s.namespace)
	return s.client.Resource(resource).Namespace(s.namespace)
}
