package acksim

import (
	"errors"
	"fmt"
	"maps"
	"strings"
)

// reference is a field that names another object instead of the AWS id that the field beside it would hold.
type reference struct {
	// from is the wrapper's path in spec; "[]" steps into a list, and a wrapper that is itself a list ends with "[]".
	from string
	// into is the field beside the wrapper that takes the value.
	into string
	// kind and value say what is read of which kind: a path from the object's root.
	kind, value string
	// lenient references (security group rules) only want the object to exist.
	lenient bool
}

const arnPath = "status.ackResourceMetadata.arn"

var errBothRefAndID = errors.New("both resource reference wrapper and ID cannot be used together")

// lookup finds another object of the same cluster.
type lookup func(kind, namespace, name string) (tree, bool)

// resolve returns a copy of o in which every reference also has its literal value. has says whether there were any.
func (k *kind) resolve(o *object, find lookup) (resolved *object, has bool, err error) {
	resolved = o.copy()
	for _, ref := range k.references {
		used, err := resolveIn(resolved.spec(), ref, ref.from, o.namespace(), find)
		has = has || used
		if err != nil {
			return resolved, has, err
		}
	}
	return resolved, has, nil
}

func resolveIn(at tree, ref reference, path, namespace string, find lookup) (used bool, err error) {
	head, rest, nested := strings.Cut(path, "[].")
	if nested {
		for _, item := range trees(at, head) {
			itemUsed, err := resolveIn(item, ref, rest, namespace, find)
			used = used || itemUsed
			if err != nil {
				return used, err
			}
		}
		return used, nil
	}
	parent, field := at, path
	if cut := strings.LastIndex(path, "."); cut >= 0 {
		parent, _ = get(at, path[:cut]).(tree)
		field = path[cut+1:]
	}
	if parent == nil {
		return false, nil
	}
	if listField, ok := strings.CutSuffix(field, "[]"); ok {
		return resolveList(parent, ref, listField, namespace, find)
	}
	wrapper, ok := parent[field].(tree)
	if !ok {
		return false, nil
	}
	if !isEmpty(parent[ref.into]) {
		return true, fmt.Errorf("%w: %s,%s", errBothRefAndID, ref.into, field)
	}
	value, err := follow(wrapper, ref, namespace, find)
	if err == nil && value != "" {
		parent[ref.into] = value
	}
	return true, err
}

func resolveList(parent tree, ref reference, field, namespace string, find lookup) (bool, error) {
	wrappers := trees(parent, field)
	if len(wrappers) == 0 {
		return false, nil
	}
	if !isEmpty(parent[ref.into]) {
		return true, fmt.Errorf("%w: %s,%s", errBothRefAndID, ref.into, field)
	}
	var values []any
	for _, wrapper := range wrappers {
		value, err := follow(wrapper, ref, namespace, find)
		if err != nil {
			return true, err
		}
		values = append(values, value)
	}
	parent[ref.into] = values
	return true, nil
}

// follow reads the value that a wrapper {from: {name, namespace}} stands for.
func follow(wrapper tree, ref reference, namespace string, find lookup) (string, error) {
	name := text(wrapper, "from.name")
	if name == "" {
		return "", fmt.Errorf("provided resource reference is nil or empty: %s", ref.from)
	}
	if other := text(wrapper, "from.namespace"); other != "" {
		namespace = other
	}
	at := ref.kind + ":" + namespace + "/" + name
	root, ok := find(ref.kind, namespace, name)
	if !ok {
		return "", fmt.Errorf("%s not found", at)
	}
	target := newObject(unstructuredOf(maps.Clone(root)))
	if target.isTrue(condTerminal) {
		return "", &terminalReferenceError{at: at}
	}
	value := text(root, ref.value)
	if ref.lenient {
		return value, nil
	}
	if !target.isTrue(condSynced) {
		return "", fmt.Errorf("the referenced resource is not synced yet. resource:%s", at)
	}
	if value == "" {
		return "", fmt.Errorf("the referenced resource is missing the target field. resource:%s, field:%s", at, ref.value)
	}
	return value, nil
}

// terminalReferenceError says that a referenced object will not become ready by itself.
type terminalReferenceError struct{ at string }

func (r *terminalReferenceError) Error() string {
	return "the referenced resource is in terminal condition. resource:" + r.at
}

// unresolvedGroups reports whether a security group rule names a group that has no id yet.
func unresolvedGroups(spec tree) bool {
	for _, direction := range []string{"ingressRules", "egressRules"} {
		for _, rule := range trees(spec, direction) {
			for _, pair := range trees(rule, "userIDGroupPairs") {
				if pair["groupRef"] != nil && text(pair, "groupID") == "" {
					return true
				}
			}
		}
	}
	return false
}
