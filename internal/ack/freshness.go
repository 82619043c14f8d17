package ack

import (
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	v1 "usermanagement.dev/stack/api/v1"
)

// update is the operator's last change of an object's spec, as noted in the annotation usermanagement.dev/updated.
type update struct {
	at time.Time
	// generation is the object's before the change. If it is still the same, the change changed nothing.
	generation int64
	// lastPass is the time of ACK's last pass before the change, by ACK's own clock; zero if there was none.
	lastPass time.Time
	// protected says that a deletion protection was on, or not surely off in AWS, before the change.
	protected bool
}

const (
	stampSeparator = "@"
	stampProtected = "protected"
)

// Updated is the value of the annotation usermanagement.dev/updated for a change of the spec that is applied now over
// the given object.
func Updated(object *unstructured.Unstructured, now time.Time) string {
	parts := []string{now.UTC().Format(time.RFC3339Nano), strconv.FormatInt(object.GetGeneration(), 10), ""}
	if synced, ok := conditionOf(object, conditionSynced); ok {
		parts[2] = synced.lastPass.UTC().Format(time.RFC3339)
	}
	if Protected(object) || (MustSettle(object) && !Settled(object, now)) {
		parts = append(parts, stampProtected)
	}
	return strings.Join(parts, stampSeparator)
}

func lastUpdate(object *unstructured.Unstructured) (update, bool) {
	parts := strings.Split(object.GetAnnotations()[v1.AnnotationUpdated], stampSeparator)
	if len(parts) < 3 {
		return update{}, false
	}
	var u update
	var err error
	if u.at, err = time.Parse(time.RFC3339Nano, parts[0]); err != nil {
		return update{}, false
	}
	if u.generation, err = strconv.ParseInt(parts[1], 10, 64); err != nil {
		return update{}, false
	}
	if u.lastPass, err = time.Parse(time.RFC3339, parts[2]); err != nil && parts[2] != "" {
		return update{}, false
	}
	u.protected = len(parts) > 3 && parts[3] == stampProtected
	return u, true
}

// settleTime is how long after a change ACK's conditions are not believed on the word of its clock alone. That clock has
// whole seconds, so that two passes in one second look like one, and a pass that ended after the change may have begun
// before it.
const settleTime = 2 * time.Second

// stale says whether ACK's conditions speak of the spec before our last change, and when to look again if no event comes.
// ACK has no observedGeneration: all there is to go by is that the time of its last pass is another one than before the
// change.
func stale(object *unstructured.Unstructured, now time.Time) (bool, time.Duration) {
	if echoless(object) {
		return false, 0
	}
	return behind(object, now)
}

func behind(object *unstructured.Unstructured, now time.Time) (bool, time.Duration) {
	u, ok := lastUpdate(object)
	if !ok || object.GetGeneration() == u.generation {
		return false, 0
	}
	synced, ok := conditionOf(object, conditionSynced)
	if !ok {
		return true, 0
	}
	seen := !synced.lastPass.Equal(u.lastPass)
	switch {
	case !seen && u.at.Sub(u.lastPass) >= settleTime: // not even within the second of the pass before
		return true, 0
	case seen && synced.lastPass.Sub(u.at.Truncate(time.Second)) >= settleTime, now.Sub(u.at) >= settleTime:
		return false, 0
	default:
		return true, settleTime - now.Sub(u.at)
	}
}

// echoless is for target groups: they are changed when targets come and go, of which ACK's status has no echo to wait for.
// If ACK has given one up, the change may be the cure, and whether it is shows.
func echoless(object *unstructured.Unstructured) bool {
	_, terminal := isTrue(object, conditionTerminal)
	return object.GetKind() == TargetGroup.Name && !terminal
}

// Acted says whether ACK has carried out our last change of an object, and else when to look again if no event comes.
func Acted(object *unstructured.Unstructured, now time.Time) (bool, time.Duration) {
	if old, recheck := behind(object, now); old {
		return false, recheck
	}
	_, terminal := isTrue(object, conditionTerminal)
	_, recoverable := isTrue(object, conditionRecoverable)
	_, synced := isTrue(object, conditionSynced)
	return synced && !terminal && !recoverable, 0
}

// Changed is when an object's spec was last changed by us: when it was made, if never since.
func Changed(object *unstructured.Unstructured) time.Time {
	if u, ok := lastUpdate(object); ok {
		return u.at
	}
	return object.GetCreationTimestamp().Time
}

// PassedSinceUpdate says whether a pass of ACK has been seen to end after our last change: what makes an otherwise
// unchanged object news.
func PassedSinceUpdate(object *unstructured.Unstructured) bool {
	u, ok := lastUpdate(object)
	if !ok || object.GetGeneration() == u.generation {
		return true
	}
	synced, ok := conditionOf(object, conditionSynced)
	return ok && !synced.lastPass.Equal(u.lastPass)
}

// passDue is how long ACK may take to begin to work on something before we say that it does not.
const passDue = 60 * time.Second

// unread is the state of an object whose conditions speak of an older spec.
func unread(object *unstructured.Unstructured, now time.Time, recheck time.Duration) Assessment {
	u, _ := lastUpdate(object)
	if waited := now.Sub(u.at); waited < passDue {
		if recheck == 0 {
			recheck = passDue - waited
		}
		return Assessment{Reason: v1.ReasonProgressing, Message: "ACK has not acted on the last change yet", Recheck: recheck}
	}
	if message, ok := isTrue(object, conditionTerminal); ok {
		return failed(v1.ReasonTerminalError, stableMessage(message), terminalHint(object, message))
	}
	return Assessment{
		Reason: v1.ReasonControllerMissing, Message: "ACK has not acted on the last change within a minute of it",
		Hint: controllerHint(object) + "; if it runs, any change of this object's spec has it look again",
	}
}
