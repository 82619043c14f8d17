package acksim

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync/atomic"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/metadata"
)

// fieldManager is the name under which released ACK controllers write: that of their binary.
const fieldManager = "controller"

// writer makes ACK's three kinds of writes, all of them JSON merge patches. It asks the API server to answer with metadata
// only, and remembers the newest resource version of each object it wrote, so that no pass starts from an older one.
type writer struct {
	client   metadata.Interface
	versions versions
	counts   WriteCounts
	// dropStatus loses status writes on purpose; nil loses none.
	dropStatus func(kind, namespace, name string) bool
}

// WriteCounts are the writes that the simulator made to the API server.
type WriteCounts struct {
	Finalizers, Specs, Statuses atomic.Int64
}

// writeFinalizers stores the finalizers, and annotations if there are any.
func (w *writer) writeFinalizers(ctx context.Context, k *kind, o *object, annotations map[string]any) error {
	meta := tree{"finalizers": o.u.GetFinalizers()}
	if len(annotations) > 0 {
		meta["annotations"] = annotations
	}
	w.counts.Finalizers.Add(1)
	_, err := w.patch(ctx, k, o, tree{"metadata": meta})
	return err
}

// writeSpec stores what differs between the spec as it was asked for and as it came out, and with it the finalizers if they
// are not stored yet.
func (w *writer) writeSpec(ctx context.Context, k *kind, desired, latest *object, finalizersToo bool) error {
	patch := tree{}
	if changed := mergePatch(desired.spec(), latest.spec()); len(changed) > 0 {
		patch["spec"] = changed
		w.counts.Specs.Add(1)
	} else if finalizersToo {
		w.counts.Finalizers.Add(1)
	}
	if finalizersToo {
		patch["metadata"] = tree{"finalizers": latest.u.GetFinalizers()}
	}
	if len(patch) == 0 {
		return nil
	}
	generation, err := w.patch(ctx, k, latest, patch)
	if err == nil && patch["spec"] != nil {
		w.versions.made(k.name, latest.key(), generation)
	}
	return err
}

// writeStatus stores the status if it differs.
func (w *writer) writeStatus(ctx context.Context, k *kind, original, latest *object) error {
	patch := mergePatch(original.status(), latest.status())
	if len(patch) == 0 || w.dropStatus != nil && w.dropStatus(k.name, latest.namespace(), latest.name()) {
		return nil
	}
	w.counts.Statuses.Add(1)
	_, err := w.patch(ctx, k, latest, tree{"status": patch}, "status")
	return err
}

// onlyTimesDiffer reports whether nothing but the times of the conditions is new in a status.
func onlyTimesDiffer(original, latest *object) bool {
	a, b := original.copy(), latest.copy()
	for _, o := range []*object{a, b} {
		for _, c := range trees(o.status(), "conditions") {
			delete(c, "lastTransitionTime")
		}
	}
	return len(mergePatch(a.status(), b.status())) == 0
}

func (w *writer) patch(ctx context.Context, k *kind, o *object, patch tree, subresources ...string) (
	generation int64, err error,
) {
	data, err := json.Marshal(patch)
	if err != nil {
		return 0, fmt.Errorf("encoding a patch of %s %s: %w", k.name, o.key(), err)
	}
	written, err := w.client.Resource(k.resource()).Namespace(o.namespace()).Patch(ctx, o.name(), types.MergePatchType, data,
		metav1.PatchOptions{FieldManager: fieldManager, FieldValidation: metav1.FieldValidationIgnore}, subresources...)
	if apierrors.IsNotFound(err) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("patching %s %s: %w", k.name, o.key(), err)
	}
	w.versions.wrote(k.name, o.key(), written.GetResourceVersion())
	return written.GetGeneration(), nil
}

func parseVersion(version string) uint64 {
	n, err := strconv.ParseUint(version, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
