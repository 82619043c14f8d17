package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Intent is the hash of what the operator means an object to be: its spec, a dot, and its labels, annotations and owner.
// It is stored on the object, so that the next pass, or the next operator, can tell its own change of mind from
// somebody's edit.
func Intent(object *unstructured.Unstructured) (string, error) {
	spec, err := digest(object.Object["spec"])
	if err != nil {
		return "", fmt.Errorf("hash the spec of %s %s: %w", object.GetKind(), object.GetName(), err)
	}
	meta, err := digest([]any{object.GetLabels(), object.GetAnnotations(), object.GetOwnerReferences()})
	if err != nil {
		return "", fmt.Errorf("hash the metadata of %s %s: %w", object.GetKind(), object.GetName(), err)
	}
	return spec + "." + meta, nil
}

// specIntent is the part of an intent that speaks of the spec.
func specIntent(intent string) string {
	spec, _, _ := strings.Cut(intent, ".")
	return spec
}

// digest relies on encoding/json writing map keys in order.
func digest(value any) (string, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8]), nil
}
