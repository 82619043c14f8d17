package plan

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"usermanagement.dev/stack/internal/ack"
)

// intruders are entries that somebody else has put into maps which are the operator's alone, such as a policy added to
// the role of the hosts. Server-side apply leaves what others own, so these have to be taken out by name: with a merge
// patch of the spec that has a null for each. Both results are empty if there are none.
func intruders(desired, live *unstructured.Unstructured) (paths []string, removal map[string]any) {
	spec := map[string]any{}
	for _, name := range ack.Exclusive(desired.GetKind()) {
		want, _, _ := unstructured.NestedMap(desired.Object, "spec", name)
		have, _, _ := unstructured.NestedMap(live.Object, "spec", name)
		nulls := map[string]any{}
		for _, key := range slices.Sorted(maps.Keys(have)) {
			if _, ours := want[key]; !ours {
				paths = append(paths, "spec."+name+"."+key)
				nulls[key] = nil
			}
		}
		if len(nulls) > 0 {
			spec[name] = nulls
		}
	}
	return paths, spec
}
