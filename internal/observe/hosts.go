package observe

import (
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
)

// IsHost says whether an object is an app host: only their revisions are told by a label.
func IsHost(object *unstructured.Unstructured) bool {
	return object.GetKind() == ack.Instance.Name && object.GetLabels()[v1.LabelRevision] != ""
}

// Hosts are the objects of all app hosts, the oldest first.
func (s *Stack) Hosts() []*unstructured.Unstructured {
	var hosts []*unstructured.Unstructured
	for _, object := range s.objects {
		if IsHost(object) {
			hosts = append(hosts, object)
		}
	}
	return hosts
}

// Targets are the ids of the instances that the load balancer shall send requests to: all that run and that nobody
// drains, whether the spec still asks for them or not. What leaves is drained first.
func (s *Stack) Targets() []string {
	var ids []string
	for _, host := range s.Hosts() {
		id, known := ack.Value(host, ack.OutputID)
		if known && ack.Serving(host) && host.GetAnnotations()[v1.AnnotationDraining] == "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// Replacement is the counter of the host of a revision that stands at a node, or else of the last one that is going, or
// else 0. One that a rollout took back counts only if there is no other.
func (s *Stack) Replacement(node, revision string) int {
	best, found := -1, 0
	for _, host := range s.byNode[node] {
		if !IsHost(host) || host.GetLabels()[v1.LabelRevision] != revision {
			continue
		}
		rank := 0
		if host.GetDeletionTimestamp() == nil {
			rank = 2
		}
		if WithdrawnFor(host) == "" {
			rank++
		}
		if counter := ReplacementOf(host); rank > best || rank == best && counter > found {
			best, found = rank, counter
		}
	}
	return found
}

// WithdrawnFor is why a rollout took a host back; empty if it did not. What is taken back is drained too.
func WithdrawnFor(host *unstructured.Unstructured) string {
	annotations := host.GetAnnotations()
	if annotations[v1.AnnotationDraining] == "" {
		return ""
	}
	return annotations[v1.AnnotationWithdrawn]
}

// ReplacementOf is a host's own counter.
func ReplacementOf(host *unstructured.Unstructured) int {
	counter, err := strconv.Atoi(host.GetLabels()[v1.LabelReplacement])
	if err != nil {
		return 0
	}
	return counter
}
