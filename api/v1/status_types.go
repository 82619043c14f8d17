package v1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// UserManagementStackStatus is what there is, as last seen by the operator. It holds no secret.
type UserManagementStackStatus struct {
	// ObservedGeneration is the metadata.generation that this status speaks of. Example: 3
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// LastHandledReconcileAt echoes the annotation usermanagement.dev/reconcile-requested-at once it was obeyed.
	// +optional
	LastHandledReconcileAt string `json:"lastHandledReconcileAt,omitempty"`

	// Conditions follow kstatus: Ready always, Reconciling and Stalled only while true; beside them one per component.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// Progress counts the resources that are ready.
	// +optional
	Progress Progress `json:"progress,omitempty"`

	// Components counts the ready resources of each part of the stack.
	// +optional
	// +listType=map
	// +listMapKey=name
	Components []ComponentStatus `json:"components,omitempty"`

	// Blockers name what keeps the stack from being ready and what to do about it, the first ten of them.
	// +optional
	// +listType=atomic
	Blockers []Blocker `json:"blockers,omitempty"`

	// Endpoints are the addresses of the stack.
	// +optional
	Endpoints Endpoints `json:"endpoints,omitempty"`

	// Hosts lists the app hosts.
	// +optional
	Hosts HostsStatus `json:"hosts,omitempty"`

	// Rollout is the replacement of hosts that is under way, held or given up; there is none while all hosts are as
	// the spec asks.
	// +optional
	Rollout *RolloutStatus `json:"rollout,omitempty"`

	// SetupSecret is the name of the Kubernetes Secret whose key setup-secret lets the first administrator in, once.
	// +optional
	SetupSecret string `json:"setupSecret,omitempty"`

	// Inventory names every object the operator makes for this stack. An entry is written before its object is made and
	// removed after it is gone, so that nothing is ever forgotten.
	// +optional
	// +listType=atomic
	Inventory []InventoryEntry `json:"inventory,omitempty"`
}

// Progress counts the resources that are ready.
type Progress struct {
	// Ready is the number of resources that are ready. Example: 42
	// +optional
	Ready int32 `json:"ready"`
	// Total is the number of resources that the spec asks for. Example: 45
	// +optional
	Total int32 `json:"total"`
	// Summary is both in one word, for a column. Example: 42/45
	// +optional
	Summary string `json:"summary,omitempty"`
}

// ComponentStatus counts the ready resources of one part of the stack.
type ComponentStatus struct {
	// Name is the component. Example: Network
	// +required
	Name ComponentName `json:"name"`
	// Ready is the number of its resources that are ready.
	// +required
	Ready int32 `json:"ready"`
	// Total is the number of its resources.
	// +required
	Total int32 `json:"total"`
}

// ComponentName is a part of a stack; each has a condition of the same name with the suffix Ready.
//
// +kubebuilder:validation:Enum=Network;Security;Data;Balancer;Compute;Endpoint
type ComponentName string

// The components, in the order in which they are shown.
const (
	ComponentNetwork  ComponentName = "Network"
	ComponentSecurity ComponentName = "Security"
	ComponentData     ComponentName = "Data"
	ComponentBalancer ComponentName = "Balancer"
	ComponentCompute  ComponentName = "Compute"
	ComponentEndpoint ComponentName = "Endpoint"
)

// ComponentNames are all components, in the order in which they are shown.
func ComponentNames() []ComponentName {
	return []ComponentName{
		ComponentNetwork, ComponentSecurity, ComponentData, ComponentBalancer, ComponentCompute, ComponentEndpoint,
	}
}

// Blocker is one object that keeps the stack from being ready, with the way out.
type Blocker struct {
	// Node is the object's place in the stack. Example: nat-us-east-2a
	// +required
	Node string `json:"node"`
	// Kind is the object's kind. Example: NATGateway
	// +required
	Kind string `json:"kind"`
	// Name is the object's name, in the stack's namespace.
	// +required
	Name string `json:"name"`
	// Reason is the cause in one word. Example: TerminalError
	// +required
	Reason string `json:"reason"`
	// Message is what the object itself says.
	// +optional
	Message string `json:"message,omitempty"`
	// Hint is what to do about it.
	// +optional
	Hint string `json:"hint,omitempty"`
	// Since is when this was first seen.
	// +required
	Since metav1.Time `json:"since"`
}

// Endpoints are the addresses of a stack.
type Endpoints struct {
	// URL is where people reach the app. Example: https://users.example.com
	// +optional
	URL string `json:"url,omitempty"`
	// LoadBalancer is the load balancer's own DNS name.
	// +optional
	LoadBalancer string `json:"loadBalancer,omitempty"`
	// Bastion is the bastion's public IPv4 address.
	// +optional
	Bastion string `json:"bastion,omitempty"`
	// Database is the database's address and port, reachable from the hosts and the bastion only.
	// +optional
	Database string `json:"database,omitempty"`
}

// HostsStatus lists the app hosts.
type HostsStatus struct {
	// Ready is the number of hosts that are healthy. During a rollout a host and its successor count as one.
	// +optional
	Ready int32 `json:"ready"`
	// Total is the number of hosts that the spec asks for.
	// +optional
	Total int32 `json:"total"`
	// Summary is both in one word, for a column. Example: 2/2
	// +optional
	Summary string `json:"summary,omitempty"`
	// RolloutNeeded is the number of hosts whose revision is not the one that the spec asks for.
	// +optional
	RolloutNeeded int32 `json:"rolloutNeeded,omitempty"`
	// Items are the hosts, by node; one that is being replaced stands before its successor.
	// +optional
	// +listType=atomic
	Items []HostStatus `json:"items,omitempty"`
}

// HostStatus is one app host.
type HostStatus struct {
	// Node is the host's place in the stack. Example: host-us-east-2a-0
	// +required
	Node string `json:"node"`
	// Name is the name of its Instance object.
	// +required
	Name string `json:"name"`
	// Zone is its availability zone. Example: us-east-2a
	// +required
	Zone string `json:"zone"`
	// InstanceID is its EC2 instance. Example: i-0123456789abcdef0
	// +optional
	InstanceID string `json:"instanceID,omitempty"`
	// State is the EC2 instance's state. Example: running
	// +optional
	State string `json:"state,omitempty"`
	// Revision is the hash of what cannot change on a host in place.
	// +optional
	Revision string `json:"revision,omitempty"`
	// Current says whether Revision is the one that the spec asks for.
	// +required
	Current bool `json:"current"`
	// Health is what the host answered when it was last asked through the load balancer.
	// +required
	Health HostHealth `json:"health"`
	// Message says what is being done with the host, or what is wrong with it; empty if it just serves.
	// Example: draining: a newer host has taken its place
	// +optional
	Message string `json:"message,omitempty"`
}

// HostHealth is what GET /health through the load balancer says of a host.
type HostHealth struct {
	// State is the outcome in one word. Example: Healthy
	// +required
	State HealthState `json:"state"`
	// Version is the release that the host says it runs. Example: 1.4.0
	// +optional
	Version string `json:"version,omitempty"`
	// Since is when the state was first seen.
	// +optional
	Since metav1.Time `json:"since,omitzero"`
	// Reason is what the host itself says of its trouble, or why it cannot be asked. Example: database: unreachable
	// +optional
	Reason string `json:"reason,omitempty"`
}

// HealthState is what is known of a host's health.
//
// +kubebuilder:validation:Enum=Healthy;Unhealthy;NotAnswering;Unknown;Assumed
type HealthState string

// The states of health.
const (
	// HealthHealthy is a host that has answered well several times in a row.
	HealthHealthy HealthState = "Healthy"
	// HealthUnhealthy is a host that answers, and says that it cannot serve.
	HealthUnhealthy HealthState = "Unhealthy"
	// HealthNotAnswering is a host that the load balancer leads nobody to, or that does not answer.
	HealthNotAnswering HealthState = "NotAnswering"
	// HealthUnknown is a host that has not been asked often enough yet.
	HealthUnknown HealthState = "Unknown"
	// HealthAssumed is a host that runs, where the operator was told not to ask.
	HealthAssumed HealthState = "Assumed"
)

// RolloutStatus is the replacement of one host by another. Hosts are replaced one at a time over the whole stack.
type RolloutStatus struct {
	// Node is the place whose host is being replaced; empty while none is. Example: host-us-east-2a-0
	// +optional
	Node string `json:"node,omitempty"`
	// Step is what is going on. Example: Checking
	// +required
	Step RolloutStep `json:"step"`
	// FromRevision is the revision of the host that leaves.
	// +optional
	FromRevision string `json:"fromRevision,omitempty"`
	// ToRevision is the revision of the host that comes.
	// +optional
	ToRevision string `json:"toRevision,omitempty"`
	// Since is when this step began.
	// +required
	Since metav1.Time `json:"since"`
	// Message says what is waited for, or why the rollout does not go on.
	// +optional
	Message string `json:"message,omitempty"`
	// FailedRevision is the revision whose host did not get healthy in time and was withdrawn. It is not tried again
	// until the spec asks for another one.
	// +optional
	FailedRevision string `json:"failedRevision,omitempty"`
	// FailureMessage says which host of that revision failed, and why.
	// +optional
	FailureMessage string `json:"failureMessage,omitempty"`
}

// RolloutStep is a step of the replacement of a host.
//
// +kubebuilder:validation:Enum=Waiting;Creating;Starting;Checking;Draining;Removing;Withdrawing;Paused;Failed
type RolloutStep string

// The steps: what a rollout waits for before it begins, what a host goes through, and how a rollout is held or given up.
const (
	RolloutWaiting     RolloutStep = "Waiting"
	RolloutCreating    RolloutStep = "Creating"
	RolloutStarting    RolloutStep = "Starting"
	RolloutChecking    RolloutStep = "Checking"
	RolloutDraining    RolloutStep = "Draining"
	RolloutRemoving    RolloutStep = "Removing"
	RolloutWithdrawing RolloutStep = "Withdrawing"
	RolloutPaused      RolloutStep = "Paused"
	RolloutFailed      RolloutStep = "Failed"
)

// InventoryEntry names one object that the operator makes.
type InventoryEntry struct {
	// Node is the object's place in the stack. Example: vpc
	// +required
	Node string `json:"node"`
	// Kind is the object's kind. Example: VPC
	// +required
	Kind string `json:"kind"`
	// Name is the object's name, in the stack's namespace.
	// +required
	Name string `json:"name"`
}
