package build

import (
	"maps"
	"slices"

	v1 "usermanagement.dev/stack/api/v1"
)

// The tags that say whose a resource is. With them what a crash has left behind in AWS can be told from what belongs to
// somebody else.
const (
	tagName      = "Name"
	tagStack     = v1.Group + "/stack"
	tagNamespace = v1.Group + "/namespace"
	tagStackUID  = v1.Group + "/stack-uid"
	tagNode      = v1.Group + "/node"
	ownTags      = 5
)

// tags are a node's tags by key: the user's and, above them, the operator's.
func (a *assembly) tags(node string) map[string]string {
	tags := make(map[string]string, len(a.spec.Tags)+ownTags)
	for key, value := range a.spec.Tags {
		tags[key] = string(value)
	}
	tags[tagName] = a.stack.Name + "-" + node
	tags[tagStack] = a.stack.Name
	tags[tagNamespace] = a.stack.Namespace
	tags[tagStackUID] = string(a.stack.UID)
	tags[tagNode] = node
	return tags
}

// tagList is a node's tags in the form that a kind wants, sorted by key: ACK compares some lists in order.
func tagList[T any](a *assembly, node string, form func(key, value string) T) []T {
	tags := a.tags(node)
	list := make([]T, 0, len(tags))
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, form(key, tags[key]))
	}
	return list
}
