package ack

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	v1 "usermanagement.dev/stack/api/v1"
)

// Refusal is why an object that was asked to go is still there, if ACK says so. During a deletion ACK does not rewrite
// its other conditions, so old good news beside this one means nothing.
func Refusal(object *unstructured.Unstructured) (Assessment, bool) {
	if message, ok := isTrue(object, conditionTerminal); ok {
		return failed(v1.ReasonTerminalError, stableMessage(message), refusalHint(message)), true
	}
	if message, ok := isTrue(object, conditionRecoverable); ok && !ordinaryWaiting(object, message) {
		return Assessment{
			Reason: v1.ReasonRecoverableError, Message: stableMessage(message),
			Hint: "AWS refuses while something uses it; it is asked again every few seconds. " +
				"If something outside of this stack uses it, remove that",
		}, true
	}
	return Assessment{}, false
}

// refusalHint is the way out of a deletion that ACK calls hopeless. It is asked again all the same, by changes of a tag.
func refusalHint(message string) string {
	if strings.Contains(strings.ToLower(strings.ReplaceAll(message, " ", "")), "deletionprotection") {
		return "turn the database's deletion protection off in AWS; the deletion is tried again by itself"
	}
	return "mend in AWS what the message names, or delete the resource there; the deletion is tried again by itself"
}

// Protected says whether AWS would refuse to delete the database: with ACK that ends in Terminal, which an edit of the
// deleting object does not cure. So the protection has to go first.
func Protected(object *unstructured.Unstructured) bool {
	on, _ := field(object, "spec.deletionProtection").(bool)
	return object.GetKind() == DBInstance.Name && on
}

// BeforeDelete is what an object must carry when its deletion reaches ACK, as annotations and as fields of its spec; both
// empty if it carries all of it. The policy is the stack's: Delete, Snapshot or Retain.
func BeforeDelete(object *unstructured.Unstructured, policy string) (map[string]string, map[string]any) {
	want := map[string]string{}
	if policy == string(v1.DeletionPolicyRetain) {
		want[AnnotationDeletionPolicy] = DeletionRetain
	} else if object.GetAnnotations()[AnnotationDeletionPolicy] == DeletionRetain && !keptAlways(object) {
		want[AnnotationDeletionPolicy] = "delete"
	}
	var spec map[string]any
	if object.GetKind() == DBInstance.Name && policy != string(v1.DeletionPolicyRetain) {
		snapshot := policy != string(v1.DeletionPolicyDelete)
		want[AnnotationSkipFinalSnapshot] = strconv.FormatBool(!snapshot)
		want[AnnotationDeleteAutomatedBackups] = strconv.FormatBool(!snapshot)
		if snapshot {
			want[AnnotationFinalSnapshotIdentifier] = FinalSnapshot(object)
		}
		if Protected(object) {
			spec = map[string]any{"deletionProtection": false}
		}
	}
	have := object.GetAnnotations()
	maps.DeleteFunc(want, func(key, value string) bool { return have[key] == value })
	return want, spec
}

// FinalSnapshot names the last snapshot of a database: by the object's own UID, since a database that was made again
// under its name must not meet the snapshot of the one before.
func FinalSnapshot(object *unstructured.Unstructured) string {
	identifier, _ := text(object, "spec.dbInstanceIdentifier")
	uid := strings.ReplaceAll(string(object.GetUID()), "-", "")
	return identifier + "-final-" + uid[:min(8, len(uid))]
}

// keptAlways says whether the operator means this object's AWS resource to outlive the stack under every policy.
func keptAlways(object *unstructured.Unstructured) bool {
	return object.GetKind() == RecordSet.Name && strings.HasPrefix(object.GetLabels()[v1.LabelNode], "cert-validation-")
}

// MustSettle says whether our last change of the object must have reached AWS before it is deleted: a database whose
// protection was taken off a moment ago is undeletable for ACK if that is asked too early, and stays so.
func MustSettle(object *unstructured.Unstructured) bool {
	u, _ := lastUpdate(object)
	return object.GetKind() == DBInstance.Name && u.protected && Held(object)
}

// Settled says whether AWS has taken our last change of the object. Whether the resource is usable is another question: a
// database that grows serves, and yet RDS takes no change before it is done.
func Settled(object *unstructured.Unstructured, now time.Time) bool {
	acted, _ := Acted(object, now)
	return acted
}

// nudgeTag is the tag whose change makes ACK try again.
const nudgeTag = v1.Group + "/nudge"

// NudgeIn is how long to wait before the next nudge of a refused deletion: little at first, since many refusals last a
// moment, half a minute in the end.
func NudgeIn(object *unstructured.Unstructured, now time.Time) time.Duration {
	const shortest, longest, share = time.Second, 30 * time.Second, 4
	deleting := object.GetDeletionTimestamp()
	if deleting == nil {
		return longest
	}
	last := deleting.Time
	for _, tag := range tags(object) {
		at, ok := nudgedAt(tag)
		if ok && !at.After(now) { // another clock than ours may have written it
			last = at
		}
	}
	interval := min(max(now.Sub(deleting.Time)/share, shortest), longest)
	return max(0, interval-now.Sub(last))
}

// Nudge is a change of spec that changes nothing but a tag. It is false for records, which have none; AWS never refuses
// their deletion for the sake of others.
func Nudge(object *unstructured.Unstructured, now time.Time) (map[string]any, bool) {
	if object.GetKind() == RecordSet.Name {
		return nil, false
	}
	kept := slices.DeleteFunc(slices.Clone(tags(object)), isNudge)
	return map[string]any{
		"tags": append(kept, map[string]any{"key": nudgeTag, "value": now.UTC().Format(time.RFC3339)}),
	}, true
}

func isNudge(tag any) bool {
	entry, ok := tag.(map[string]any)
	return ok && entry["key"] == nudgeTag
}

// nudgedAt is the time that a nudge's tag tells; false for another tag and for one that tells no time.
func nudgedAt(tag any) (time.Time, bool) {
	entry, _ := tag.(map[string]any)
	value, _ := entry["value"].(string)
	at, err := time.Parse(time.RFC3339, value)
	return at, isNudge(tag) && err == nil
}

func tags(object *unstructured.Unstructured) []any {
	list, _ := field(object, "spec.tags").([]any)
	return list
}
