package acksim

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Annotations of the ACK runtime.
const (
	annotationAdoptionPolicy = "services.k8s.aws/adoption-policy"
	annotationAdoptionFields = "services.k8s.aws/adoption-fields"
	annotationAdopted        = "services.k8s.aws/adopted"
	annotationReadOnly       = "services.k8s.aws/read-only"
	annotationDeletionPolicy = "services.k8s.aws/deletion-policy"
	annotationRegion         = "services.k8s.aws/region"
	annotationDefaultRegion  = "services.k8s.aws/default-region"

	policyDelete = "delete"
	policyRetain = "retain"
)

// object is a custom resource during a pass. Its spec and status are always present, and it is the pass's own copy.
type object struct {
	u *unstructured.Unstructured
}

func newObject(u *unstructured.Unstructured) *object {
	for _, part := range []string{"spec", "status"} {
		if _, ok := u.Object[part].(tree); !ok {
			u.Object[part] = tree{}
		}
	}
	return &object{u: u}
}

func (o *object) copy() *object { return &object{u: o.u.DeepCopy()} }

func (o *object) spec() tree   { return o.part("spec") }
func (o *object) status() tree { return o.part("status") }

// part is one of those that newObject has made sure of.
func (o *object) part(name string) tree {
	part, _ := o.u.Object[name].(tree)
	return part
}

func (o *object) setStatus(from *object) { o.u.Object["status"] = copyTree(from.status()) }

func (o *object) name() string      { return o.u.GetName() }
func (o *object) namespace() string { return o.u.GetNamespace() }
func (o *object) key() string       { return o.namespace() + "/" + o.name() }
func (o *object) deleting() bool    { return o.u.GetDeletionTimestamp() != nil }

func (o *object) annotation(name string) (string, bool) {
	value, ok := o.u.GetAnnotations()[name]
	return value, ok
}

func (o *object) annotate(name, value string) {
	annotations := o.u.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[name] = value
	o.u.SetAnnotations(annotations)
}

func (o *object) managed(k *kind) bool { return slices.Contains(o.u.GetFinalizers(), k.finalizer()) }

func (o *object) manage(k *kind) {
	if !o.managed(k) {
		o.u.SetFinalizers(append(slices.Clone(o.u.GetFinalizers()), k.finalizer()))
	}
}

func (o *object) unmanage(k *kind) {
	o.u.SetFinalizers(slices.DeleteFunc(slices.Clone(o.u.GetFinalizers()), func(f string) bool { return f == k.finalizer() }))
}

func (o *object) adopted() bool {
	value, _ := o.annotation(annotationAdopted)
	return strings.EqualFold(value, "true")
}

func (o *object) readOnly() bool {
	value, _ := o.annotation(annotationReadOnly)
	return strings.EqualFold(value, "true")
}

// arn is the ARN in the object's status.
func (o *object) arn() string { return text(o.status(), "ackResourceMetadata.arn") }

func (o *object) setARN(arn string) { put(o.status(), "ackResourceMetadata.arn", arn) }
