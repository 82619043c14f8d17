package ack

import (
	"encoding/json"
	"reflect"
	"strings"
)

// Same says whether a field holds what it shall although ACK may have written it in AWS's form.
type Same func(want, have any) bool

// rewritten lists, per kind, the fields of the spec that ACK overwrites with what AWS answers in a form of its own, as
// dotted paths below spec, and how to tell that form from somebody's edit. Everything else that we set comes back as it
// was, at most in another order or with more beside it.
var rewritten = map[string]map[string]Same{
	// Describe loses volume sizes and user data, and turns the rest into what AWS made of it. AWS changes none of these
	// on a living instance, so that putting ours back would only start a fight.
	Instance.Name: {
		"blockDeviceMappings": anything, "iamInstanceProfile": anything, "metadataOptions": anything,
		"monitoring": anything, "userData": anything,
	},
	// AWS may name a single target group once more or only beside the forward configuration, and numbers actions.
	Listener.Name: {"defaultActions": sameActions},
	// A prefix such as 8.4 may come back as the release that RDS picked and moves by itself.
	DBInstance.Name: {"engineVersion": versionWithin},
	// Reads list draining targets too, and the zone of each.
	TargetGroup.Name: {"targets": allThere},
	// IAM returns documents as text that may have been written anew.
	Role.Name: {"assumeRolePolicyDocument": sameDocument},
}

// Rewritten are the fields below spec that ACK may overwrite in an object of this kind, with what still counts as ours.
func Rewritten(kind string) map[string]Same { return rewritten[kind] }

// exclusive are the maps below spec, by kind, in which nobody but the operator may have an entry: each entry is a right
// or a setting.
var exclusive = map[string][]string{
	Role.Name:             {"inlinePolicies"},
	DBParameterGroup.Name: {"parameterOverrides"},
}

// Exclusive are the maps below spec that are the operator's alone in an object of this kind.
func Exclusive(kind string) []string { return exclusive[kind] }

func anything(any, any) bool { return true }

// versionWithin takes any release of the wanted version.
func versionWithin(want, have any) bool {
	w, _ := want.(string)
	h, ok := have.(string)
	return ok && (h == w || strings.HasPrefix(h, w+"."))
}

// sameDocument compares JSON documents by what they say.
func sameDocument(want, have any) bool {
	var w, h any
	if !isJSON(want, &w) || !isJSON(have, &h) {
		return want == have
	}
	return reflect.DeepEqual(w, h)
}

func isJSON(value any, into *any) bool {
	document, ok := value.(string)
	return ok && json.Unmarshal([]byte(document), into) == nil
}

// allThere wants every target to be there; more may be.
func allThere(want, have any) bool {
	present := texts(have, "id")
	for id := range texts(want, "id") {
		if !present[id] {
			return false
		}
	}
	return true
}

// sameActions compares where the actions of a listener lead to.
func sameActions(want, have any) bool {
	w, h := entries(want), entries(have)
	if len(w) != len(h) {
		return false
	}
	for i := range w {
		if w[i]["type"] != h[i]["type"] || !reflect.DeepEqual(forwardedTo(w[i]), forwardedTo(h[i])) ||
			!redirects(w[i]["redirectConfig"], h[i]["redirectConfig"]) {
			return false
		}
	}
	return true
}

// forwardedTo is the set of target groups that an action forwards to.
func forwardedTo(action map[string]any) map[string]bool {
	forward, _ := action["forwardConfig"].(map[string]any)
	groups := texts(forward["targetGroups"], "targetGroupARN")
	if arn, ok := action["targetGroupARN"].(string); ok {
		groups[arn] = true
	}
	return groups
}

// texts is the set of what the elements of a list have in a field.
func texts(list any, field string) map[string]bool {
	found := map[string]bool{}
	for _, entry := range entries(list) {
		if value, ok := entry[field].(string); ok {
			found[value] = true
		}
	}
	return found
}

// redirects wants every part of a redirect that we set.
func redirects(want, have any) bool {
	w, _ := want.(map[string]any)
	h, _ := have.(map[string]any)
	for key, value := range w {
		if !reflect.DeepEqual(h[key], value) {
			return false
		}
	}
	return true
}

func entries(list any) []map[string]any {
	items, _ := list.([]any)
	found := make([]map[string]any, 0, len(items))
	for _, item := range items {
		if entry, ok := item.(map[string]any); ok {
			found = append(found, entry)
		}
	}
	return found
}
