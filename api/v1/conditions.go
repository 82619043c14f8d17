package v1

// The conditions of a stack. Ready, Reconciling and Stalled are kstatus's; the rest say where to look.
const (
	// ConditionReady is True when the latest generation is fully there, healthy and without drift.
	ConditionReady = "Ready"
	// ConditionReconciling is there only while work goes on towards the current generation.
	ConditionReconciling = "Reconciling"
	// ConditionStalled is there only while nothing moves without somebody's action. Never beside Reconciling.
	ConditionStalled = "Stalled"
	// ConditionAvailable is True while users are served, also during a change.
	ConditionAvailable = "Available"
	// ConditionSuspended is there only while spec.suspend holds the stack still.
	ConditionSuspended = "Suspended"
	// ConditionDrifted is there only while a change made by somebody else is being put right.
	ConditionDrifted = "Drifted"
	// ConditionRolloutNeeded is there only while hosts run another revision than the spec asks for.
	ConditionRolloutNeeded = "RolloutNeeded"
	// ConditionDeletionBlocked is there only while a deletion cannot go on.
	ConditionDeletionBlocked = "DeletionBlocked"
)

// ComponentCondition is the condition of a component: its name with the suffix Ready.
func ComponentCondition(name ComponentName) string { return string(name) + "Ready" }

// The reasons of conditions and blockers: a closed set, so that alerts and scripts can rely on them.
const (
	ReasonSucceeded          = "Succeeded"
	ReasonProgressing        = "Progressing"
	ReasonDependencyNotReady = "DependencyNotReady"
	ReasonInvalidSpec        = "InvalidSpec"
	ReasonTerminalError      = "TerminalError"
	ReasonRecoverableError   = "RecoverableError"
	ReasonForeignObject      = "ForeignObject"
	ReasonRejected           = "Rejected"
	ReasonCRDMissing         = "CRDMissing"
	ReasonControllerMissing  = "ControllerMissing"
	ReasonSecretMissing      = "SecretMissing"
	ReasonCertificateFailed  = "CertificateFailed"
	ReasonGatewayFailed      = "GatewayFailed"
	ReasonInstanceTerminated = "InstanceTerminated"
	ReasonDatabaseFailed     = "DatabaseFailed"
	ReasonReplacementNeeded  = "ReplacementNeeded"
	ReasonDeletedOutside     = "DeletedOutside"
	ReasonSuspended          = "Suspended"
	ReasonDriftDetected      = "DriftDetected"
	ReasonRolloutNeeded      = "RolloutNeeded"
	ReasonRollingOut         = "RollingOut"
	ReasonRolloutPaused      = "RolloutPaused"
	ReasonRolloutFailed      = "RolloutFailed"
	ReasonHostUnhealthy      = "HostUnhealthy"
	ReasonHostNotAnswering   = "HostNotAnswering"
	ReasonBalancerUnreached  = "BalancerUnreached"
	ReasonNoDomain           = "NoDomain"
	ReasonNotServing         = "NotServing"
	ReasonDeleting           = "Deleting"
	ReasonWaitingForDeletion = "WaitingForDeletion"
	ReasonDeletionProtected  = "DeletionProtected"
	ReasonAPIRequestFailed   = "APIRequestFailed"
)
