package acksim

import "time"

// Condition types of ACK (runtime, apis/core/v1alpha1).
const (
	condReady              = "Ready"
	condSynced             = "ACK.ResourceSynced"
	condTerminal           = "ACK.Terminal"
	condRecoverable        = "ACK.Recoverable"
	condReferencesResolved = "ACK.ReferencesResolved"
	condLateInitialized    = "ACK.LateInitialized"

	statusTrue    = "True"
	statusFalse   = "False"
	statusUnknown = "Unknown"
)

// condition reads one condition; nil if the object has none of that type.
func (o *object) condition(kind string) tree {
	for _, c := range trees(o.status(), "conditions") {
		if c["type"] == kind {
			return c
		}
	}
	return nil
}

func (o *object) isTrue(kind string) bool { return text(o.condition(kind), "status") == statusTrue }

// setCondition writes a condition anew, with the time of writing. ACK's times say when a pass ran, not when something
// changed.
func (o *object) setCondition(now time.Time, kind, status, message, reason string) {
	c := o.upsertCondition(kind)
	c["status"] = status
	put(c, "message", message)
	put(c, "reason", reason)
	c["lastTransitionTime"] = stamp(now)
}

// setTimeless writes a condition without a time: the generated part of the controllers does so for Terminal and
// Recoverable.
func (o *object) setTimeless(kind, status, message string) {
	c := o.upsertCondition(kind)
	c["status"] = status
	put(c, "message", message)
}

func (o *object) upsertCondition(kind string) tree {
	if c := o.condition(kind); c != nil {
		return c
	}
	c := tree{"type": kind}
	o.status()["conditions"] = append(items(o.status(), "conditions"), c)
	return c
}

func (o *object) clearConditions() { delete(o.status(), "conditions") }

// noteError records the error of an AWS call, and reports whether it is terminal. With err nil it turns conditions of
// earlier errors off; they are only there during deletion, when conditions are not wiped.
func (o *object) noteError(k *kind, err error) (terminal bool) {
	switch {
	case err != nil && k.isTerminal(err):
		o.setTimeless(condTerminal, statusTrue, shortText(err))
		return true
	case err != nil:
		if o.condition(condTerminal) != nil {
			o.setTimeless(condTerminal, statusFalse, "")
		}
		o.setTimeless(condRecoverable, statusTrue, shortText(err))
	default:
		for _, c := range []string{condTerminal, condRecoverable} {
			if o.condition(c) != nil {
				o.setTimeless(c, statusFalse, "")
			}
		}
	}
	return false
}

const (
	messageSynced    = "Resource synced successfully"
	messageNotSynced = "Resource not synced"
	messageUnknown   = "Unable to determine if desired resource state matches latest observed state"
)

// finishConditions derives ResourceSynced, unless the kind has set it, and Ready.
func (o *object) finishConditions(now time.Time, k *kind, withReady bool, err error) {
	if o.condition(condSynced) == nil {
		status, message, reason := statusFalse, messageNotSynced, ""
		if k.synced == nil || k.synced(o) {
			status, message = statusTrue, messageSynced
		}
		if err != nil {
			status, message, reason = statusUnknown, messageUnknown, err.Error()
			if isTerminalOutcome(err) {
				status, message = statusFalse, messageNotSynced
			}
		}
		o.setCondition(now, condSynced, status, message, reason)
	}
	if !withReady {
		return
	}
	source := o.condition(condSynced)
	status, reason := text(source, "status"), text(source, "reason")
	switch {
	case o.isTrue(condTerminal):
		source, status, reason = o.condition(condTerminal), statusFalse, condTerminal
	case o.isTrue(condRecoverable):
		source, status, reason = o.condition(condRecoverable), statusFalse, condRecoverable
	}
	o.setCondition(now, condReady, status, text(source, "message"), reason)
}
