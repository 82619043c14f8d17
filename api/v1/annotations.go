package v1

// Labels and annotations that this project writes or reads. Labels are on every object the operator makes.
const (
	// LabelManagedBy selects the operator's objects; its caches hold nothing else.
	LabelManagedBy = Group + "/managed-by"
	// ManagedBy is LabelManagedBy's value, and the field manager of every write.
	ManagedBy = "user-management-stack"
	// LabelStack is the name of the object's stack.
	LabelStack = Group + "/stack"
	// LabelStackUID is the UID of the object's stack: names come back, UIDs do not.
	LabelStackUID = Group + "/stack-uid"
	// LabelNode is the object's place in the stack's graph. Example: subnet-app-us-east-2a
	LabelNode = Group + "/node"
	// LabelComponent is the object's component. Example: Network
	LabelComponent = Group + "/component"
	// LabelRevision is a host's revision: the hash of what cannot change in place.
	LabelRevision = Group + "/revision"
	// LabelReplacement counts the hosts of one revision that took each other's place, from 1; the first has none.
	LabelReplacement = Group + "/replacement"

	// AnnotationNeeds lists the nodes that the object was made from, comma-separated. A deletion is ordered by it
	// alone, so that it needs neither a valid spec nor this version of the operator.
	AnnotationNeeds = Group + "/needs"
	// AnnotationIntent is the hash of what was last applied: of the spec, a dot, and of labels and annotations.
	AnnotationIntent = Group + "/intent"
	// AnnotationUpdated is when a change of the object's spec was last applied and how the object was before: RFC 3339
	// time, @, generation, @, time of ACK's last pass. Until ACK has acted on it the object's conditions are stale.
	AnnotationUpdated = Group + "/updated"
	// AnnotationDraining on a host's Instance is since when the load balancer shall send it nothing new: RFC 3339 time.
	AnnotationDraining = Group + "/draining"
	// AnnotationWithdrawn on a host's Instance is why a rollout took it back.
	AnnotationWithdrawn = Group + "/withdrawn"

	// AnnotationReconcileRequestedAt asks for a full pass now, on the stack; any new value counts.
	// kubectl annotate ums prod usermanagement.dev/reconcile-requested-at="$(date -Is)" --overwrite.
	AnnotationReconcileRequestedAt = Group + "/reconcile-requested-at"
	// AnnotationRegenerateSecret on the stack allows a lost app secret to be made anew; any value counts.
	AnnotationRegenerateSecret = Group + "/regenerate-secret"
	// AnnotationAbandon on a stack that is being deleted names kinds, comma-separated, whose CustomResourceDefinition is
	// gone: their objects cannot be deleted any more, and what they stood for in AWS is left to you.
	AnnotationAbandon = Group + "/abandon"

	// Finalizer keeps a stack until everything it made is gone, in order.
	Finalizer = Group + "/teardown"
)
