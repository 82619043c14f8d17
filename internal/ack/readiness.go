package ack

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	v1 "usermanagement.dev/stack/api/v1"
)

// Verdict is what an object's state means for the stack.
type Verdict int

// The verdicts.
const (
	// Waiting means that ACK or AWS is at work, or tries again by itself.
	Waiting Verdict = iota
	// Ready means that others may use the resource.
	Ready
	// Failed means that nothing moves until somebody acts.
	Failed
)

// Assessment is an object's state in the stack's terms.
type Assessment struct {
	Verdict Verdict
	// Reason is one of the API's reasons. ReasonProgressing is ordinary work, ReasonSucceeded goes with Ready; every
	// other one is a problem to show.
	Reason string
	// Message is what ACK or AWS says, stable from one try to the next.
	Message string
	// Hint is what to do about a problem.
	Hint string
	// Recheck is when time alone may change the assessment; zero if only an event can.
	Recheck time.Duration
}

// Problem says whether somebody should know of this: it is neither ready nor ordinary work.
func (a Assessment) Problem() bool {
	return a.Verdict == Failed || (a.Verdict == Waiting && a.Reason != v1.ReasonProgressing)
}

// Assess says what an object's state means, following the order in which ACK's signals can be trusted: a deletion first,
// since all older news stays beside it; then whether the conditions speak of the present spec at all, since a change may
// be just what cures Terminal; then Terminal, since good news stays beside that too.
func Assess(object *unstructured.Unstructured, now time.Time) Assessment {
	if object.GetDeletionTimestamp() != nil {
		return deletedOutside(object)
	}
	if !hasConditions(object) {
		return untouched(object, now)
	}
	if old, recheck := stale(object, now); old {
		return unread(object, now, recheck)
	}
	if message, ok := isTrue(object, conditionTerminal); ok {
		return failed(v1.ReasonTerminalError, stableMessage(message), terminalHint(object, message))
	}
	if a, ok := awsState(object); ok {
		return a
	}
	if message, ok := isTrue(object, conditionRecoverable); ok {
		return recoverable(object, message, now)
	}
	if synced, _ := conditionOf(object, conditionSynced); synced.status != "True" && !usable(object) {
		return progressing("AWS is at work on it")
	}
	for _, output := range requiredOutputs[object.GetKind()] {
		if _, ok := Value(object, output); !ok {
			return progressing(fmt.Sprintf("waiting for its %s", output))
		}
	}
	return Assessment{Verdict: Ready, Reason: v1.ReasonSucceeded}
}

// requiredOutputs is what a ready object of a kind must publish.
var requiredOutputs = map[string][]string{
	VPC.Name:              {OutputID},
	InternetGateway.Name:  {OutputID},
	RouteTable.Name:       {OutputID},
	Subnet.Name:           {OutputID},
	ElasticIPAddress.Name: {OutputID},
	NATGateway.Name:       {OutputID},
	SecurityGroup.Name:    {OutputID},
	Instance.Name:         {OutputID, OutputState},
	Role.Name:             {OutputARN},
	InstanceProfile.Name:  {OutputARN},
	Secret.Name:           {OutputARN},
	DBSubnetGroup.Name:    {OutputARN},
	DBParameterGroup.Name: {OutputARN},
	DBInstance.Name:       {OutputState, OutputEndpointAddress, OutputMasterSecretARN},
	Certificate.Name:      {OutputIssuedARN},
	LoadBalancer.Name:     {OutputARN, OutputDNSName, OutputHostedZoneID},
	TargetGroup.Name:      {OutputARN},
	Listener.Name:         {OutputARN},
}

func failed(reason, message, hint string) Assessment {
	return Assessment{Verdict: Failed, Reason: reason, Message: message, Hint: hint}
}

func progressing(message string) Assessment {
	return Assessment{Reason: v1.ReasonProgressing, Message: message}
}

func deletedOutside(object *unstructured.Unstructured) Assessment {
	message := "somebody deleted the object; it is made again as soon as it is gone"
	if said, ok := isTrue(object, conditionRecoverable); ok {
		message += ". ACK says: " + stableMessage(said)
	}
	return Assessment{
		Reason: v1.ReasonDeletedOutside, Message: message,
		Hint: "AWS may refuse the deletion while other resources use this one; then delete those objects too and they are " +
			"made again in order",
	}
}

// untouched is the state of an object without conditions. ACK puts its finalizer on just before it asks AWS for the
// resource, and its conditions only after AWS has answered.
func untouched(object *unstructured.Unstructured, now time.Time) Assessment {
	kind, _ := KindOf(object.GetKind())
	if slices.Contains(object.GetFinalizers(), kind.Finalizer()) {
		return progressing("ACK is making it")
	}
	age := now.Sub(object.GetCreationTimestamp().Time)
	if age < passDue {
		return Assessment{Reason: v1.ReasonProgressing, Message: "waiting for ACK to take it up", Recheck: passDue - age}
	}
	return failed(v1.ReasonControllerMissing, "no controller has touched the object since it was made", controllerHint(object))
}

func controllerHint(object *unstructured.Unstructured) string {
	kind, _ := KindOf(object.GetKind())
	return fmt.Sprintf("install and start the ACK %s controller, let it watch this namespace, and look at its log", kind.Service)
}

// recoverableGrace is how long after its creation or last change an object's error is taken for the ordinary waiting that
// ACK reports in the same words.
const recoverableGrace = 15 * time.Second

// recoverable is ACK's word for every error it will try again, ordinary waiting included. While the object is young, or
// AWS's own state says that the resource is coming, it is work and not a problem.
func recoverable(object *unstructured.Unstructured, message string, now time.Time) Assessment {
	if ordinaryWaiting(object, message) {
		return progressing("AWS is at work on it")
	}
	begun := object.GetCreationTimestamp().Time
	if u, ok := lastUpdate(object); ok {
		begun = u.at
	}
	if age := now.Sub(begun); age < recoverableGrace {
		return Assessment{
			Reason: v1.ReasonProgressing, Message: stableMessage(message), Recheck: recoverableGrace - age,
		}
	}
	return Assessment{
		Reason: v1.ReasonRecoverableError, Message: stableMessage(message),
		Hint: "ACK tries again by itself, less and less often; if the message does not go away, mend what it names",
	}
}
