package build

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/config/crd"
	"usermanagement.dev/stack/internal/crdschema"
)

var loadSchema = sync.OnceValues(func() (*crdschema.Schema, error) { return crdschema.Load(crd.UserManagementStack) })

// Validate is what the API server would say against a stack, were it created now. A stored stack may be older than a
// rule, or may have come in while the definition was another; none that this finds fault with shall be built.
func Validate(ctx context.Context, stack *v1.UserManagementStack) field.ErrorList {
	schema, err := loadSchema()
	if err != nil {
		return field.ErrorList{field.InternalError(nil, err)}
	}
	object, err := wanted(stack)
	if err != nil {
		return field.ErrorList{field.InternalError(nil, err)}
	}
	errs := empty(schema, object)
	return append(errs, schema.Validate(ctx, object)...)
}

// wanted is a stack without its status, which is the operator's own and not the user's to get wrong.
func wanted(stack *v1.UserManagementStack) (map[string]any, error) {
	copied := &v1.UserManagementStack{ObjectMeta: stack.ObjectMeta, Spec: stack.Spec}
	copied.SetGroupVersionKind(v1.GroupVersionKind)
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(copied)
	if err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	delete(object, "status")
	return object, nil
}

// empty finds fields that have a default and yet hold nothing: a zero, which Go's form of a stack cannot tell from a field
// that is not there, and which the API server would have refused or filled.
func empty(schema *crdschema.Schema, object map[string]any) field.ErrorList {
	defaulted := runtime.DeepCopyJSON(object)
	schema.Default(defaulted)
	filled := &v1.UserManagementStack{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(defaulted, filled); err != nil {
		return field.ErrorList{field.InternalError(nil, fmt.Errorf("build: %w", err))}
	}
	full, err := wanted(filled)
	if err != nil {
		return field.ErrorList{field.InternalError(nil, err)}
	}
	return added(nil, object, full)
}

// added are the paths that the second object has and the first does not, where both have what is around them.
func added(path *field.Path, from, to map[string]any) field.ErrorList {
	var errs field.ErrorList
	for _, key := range slices.Sorted(maps.Keys(to)) {
		value, there := from[key]
		if !there {
			errs = append(errs, field.Required(path.Child(key), fmt.Sprintf("must not be empty; the default is %v", to[key])))
			continue
		}
		inner, ok := value.(map[string]any)
		if outer, also := to[key].(map[string]any); ok && also {
			errs = append(errs, added(path.Child(key), inner, outer)...)
		}
	}
	return errs
}
