package controllers

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"testing"
	"unsafe"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/cache"
)

func decode(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	if err := json.Unmarshal([]byte(text), &u.Object); err != nil {
		t.Fatal(err)
	}
	return u
}

func firstTag(t *testing.T, object *unstructured.Unstructured) map[string]any {
	t.Helper()
	tags, _, err := unstructured.NestedFieldNoCopy(object.Object, "spec", "tags")
	if err != nil {
		t.Fatal(err)
	}
	list, ok := tags.([]any)
	if !ok || len(list) == 0 {
		t.Fatalf("the tags are %v", tags)
	}
	first, ok := list[0].(map[string]any)
	if !ok {
		t.Fatalf("the first tag is %v", list[0])
	}
	return first
}

func TestCachedObjectsShareEqualPartsAndKeepTheirContent(t *testing.T) {
	share := newParts().transform(cache.TransformStripManagedFields())
	text := `{"kind":"VPC","metadata":{"name":"%s"},
		"spec":{"n":1,"tags":[{"key":"team","value":"platform"},{"key":"Name","value":"%s"}]}}`
	var objects []*unstructured.Unstructured
	for _, name := range []string{"one", "two"} {
		given := fmt.Sprintf(text, name, name)
		object, err := share(decode(t, given))
		if err != nil {
			t.Fatal(err)
		}
		got, ok := object.(*unstructured.Unstructured)
		if want := decode(t, given); !ok || !reflect.DeepEqual(got, want) {
			t.Fatalf("the object became %v, want %v", object, want)
		}
		objects = append(objects, got)
	}
	if reflect.ValueOf(firstTag(t, objects[0])).Pointer() != reflect.ValueOf(firstTag(t, objects[1])).Pointer() {
		t.Error("equal tags of two objects are not one map")
	}
}

// The names of fields and what is said again and again are one string each, however many objects say it.
func TestCachedObjectsShareTheirWords(t *testing.T) {
	share := newParts().transform(cache.TransformStripManagedFields())
	words := map[string]map[*byte]bool{}
	for i := range 3 {
		given := fmt.Sprintf(`{"kind":"Subnet","status":{"subnetID":"subnet-%d","conditions":[{"type":"Synced","at":"%d"}]}}`, i, i)
		object, err := share(decode(t, given))
		if err != nil {
			t.Fatal(err)
		}
		got, ok := object.(*unstructured.Unstructured)
		if want := decode(t, given); !ok || !reflect.DeepEqual(got, want) {
			t.Fatalf("the object became %v, want %v", object, want)
		}
		collectWords(got.Object, words)
	}
	for _, word := range []string{"kind", "Subnet", "status", "subnetID", "conditions", "type", "Synced"} {
		if len(words[word]) != 1 {
			t.Errorf("%q stands in memory %d times", word, len(words[word]))
		}
	}
}

// collectWords notes where each string of a value stands in memory.
func collectWords(value any, words map[string]map[*byte]bool) {
	note := func(s string) {
		if words[s] == nil {
			words[s] = map[*byte]bool{}
		}
		words[s][unsafe.StringData(s)] = true
	}
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			note(key)
			collectWords(inner, words)
		}
	case []any:
		for _, inner := range v {
			collectWords(inner, words)
		}
	case string:
		note(v)
	}
}

func TestTheCacheHasNoUserData(t *testing.T) {
	object, err := newParts().transform(cache.TransformStripManagedFields())(
		decode(t, `{"kind":"Instance","spec":{"imageID":"ami-1","userData":"bG9uZw=="}}`))
	if err != nil || !reflect.DeepEqual(object, decode(t, `{"kind":"Instance","spec":{"imageID":"ami-1"}}`)) {
		t.Errorf("the object became %v, error %v", object, err)
	}
}

// A hash that two different maps have must not make them one.
func TestDifferentPartsAreNeverShared(t *testing.T) {
	p := newParts()
	one, other := map[string]any{"key": "a"}, map[string]any{"key": "b"}
	p.maps.put(p.hash(other), one)
	if got := p.known(other); !maps.Equal(got, other) {
		t.Errorf("%v became %v", other, got)
	}
}

func TestSharedPartsAreForgottenInTheEnd(t *testing.T) {
	p := newParts()
	p.maps.limit = 10
	for i := range 100 {
		p.known(map[string]any{"time": int64(i)})
	}
	if n := len(p.maps.young) + len(p.maps.old); n > 2*p.maps.limit {
		t.Errorf("%d maps are remembered, at most %d should be", n, 2*p.maps.limit)
	}
}
