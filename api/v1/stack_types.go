package v1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// UserManagementStack is one complete two- or three-zone AWS environment with the user-administration app running in
// it: network, load balancer, database, hosts, and an optional bastion. Create it and wait for the condition Ready.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=ums,categories=all
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Progress",type=string,JSONPath=`.status.progress.summary`
// +kubebuilder:printcolumn:name="Hosts",type=string,JSONPath=`.status.hosts.summary`
// +kubebuilder:printcolumn:name="URL",type=string,JSONPath=`.status.endpoints.url`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Version",type=string,JSONPath=`.spec.app.version`,priority=1
// +kubebuilder:printcolumn:name="Bastion",type=string,JSONPath=`.status.endpoints.bastion`,priority=1
// +kubebuilder:printcolumn:name="Database",type=string,JSONPath=`.status.endpoints.database`,priority=1
// +kubebuilder:printcolumn:name="Suspended",type=boolean,JSONPath=`.spec.suspend`,priority=1
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`,priority=1
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 40",message="metadata.name must be at most 40 characters: AWS names are made from it"
// +kubebuilder:validation:XValidation:rule="self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",message="metadata.name must start with a letter and hold only lower-case letters, digits and '-': AWS names are made from it"
type UserManagementStack struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what you want. The operator never writes it.
	// +required
	Spec UserManagementStackSpec `json:"spec"`

	// Status is what there is, as last seen by the operator.
	// +optional
	Status UserManagementStackStatus `json:"status,omitempty"`
}

// UserManagementStackList is a list of stacks, as the API server returns it.
//
// +kubebuilder:object:root=true
type UserManagementStackList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []UserManagementStack `json:"items"`
}

// UserManagementStackSpec is the wanted state of a stack.
//
// +kubebuilder:validation:XValidation:rule="self.network.zones.all(z, z.name.startsWith(self.region))",message="network.zones[].name must be a zone of spec.region, for example us-east-2a in us-east-2"
// +kubebuilder:validation:XValidation:rule="self.app.artifacts.exists(a, a.architecture == self.hosts.architecture)",message="app.artifacts must have an entry for hosts.architecture"
// +kubebuilder:validation:XValidation:rule="!has(self.bastion) || !has(self.bastion.enabled) || !self.bastion.enabled || has(self.bastion.image) || !has(self.bastion.instanceType) || self.bastion.instanceType.matches('^[a-z]+[0-9]+g[a-z]*[.]|^a1[.]') == (self.hosts.architecture == 'arm64')",message="bastion.instanceType must be of hosts.architecture, since the bastion runs hosts.image: t3.micro for amd64, t4g.micro for arm64; or give bastion.image"
type UserManagementStackSpec struct {
	// Region is the AWS region of every resource. It cannot be changed. Example: us-east-2
	// +required
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^[a-z]{2}(-[a-z]+)+-[0-9]$`
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="region cannot be changed: create a second stack in the other region and move the data"
	Region string `json:"region"`

	// Network is the VPC and its subnets. It cannot be changed after creation.
	// +required
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="network cannot be changed: AWS keeps a VPC's addresses for life; create a second stack and move the data"
	Network NetworkSpec `json:"network"`

	// Ingress says who may reach the app, and under which name.
	// +optional
	// +kubebuilder:default={}
	Ingress IngressSpec `json:"ingress,omitempty"`

	// Bastion is the one way in for administrators. Without it nobody reaches a host by SSH.
	// +optional
	// +kubebuilder:default={}
	Bastion BastionSpec `json:"bastion,omitempty"`

	// Hosts are the EC2 instances that run the app, the same number in each zone.
	// +required
	Hosts HostsSpec `json:"hosts"`

	// Database is the RDS instance that holds the users.
	// +optional
	// +kubebuilder:default={}
	Database DatabaseSpec `json:"database,omitempty"`

	// App is the release that the hosts run.
	// +required
	App AppSpec `json:"app"`

	// Rollout bounds how hosts are replaced.
	// +optional
	// +kubebuilder:default={}
	Rollout RolloutSpec `json:"rollout,omitempty"`

	// DeletionPolicy says what becomes of the AWS resources when the stack is deleted: Delete removes all of them,
	// Snapshot removes all but a final snapshot of the database, Retain leaves everything running in AWS and only
	// forgets it. The DNS records that prove the ownership of the domain stay in every case: other certificates of the
	// same name may rely on them. Example: Snapshot
	// +optional
	// +kubebuilder:default=Snapshot
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`

	// Tags are put on every AWS resource that can carry tags, beside the operator's own. Example: {team: a}
	// +optional
	// +kubebuilder:validation:MaxProperties=40
	// +kubebuilder:validation:XValidation:rule="self.all(k, size(k) <= 128)",message="a tag's key has at most 128 characters"
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.startsWith('aws:') && !k.startsWith('services.k8s.aws/') && !k.startsWith('usermanagement.dev/'))",message="tag keys must not start with aws:, services.k8s.aws/ or usermanagement.dev/: these belong to AWS, ACK and the operator"
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.matches('^[\\\\p{L}\\\\p{Z}\\\\p{N}_.:/=+@-]+$'))",message="tag keys hold only letters, digits, spaces and _ . : / = + - @: AWS takes nothing else"
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.matches('^(?i:name)$'))",message="the tag Name is the operator's: it names each resource, and IAM takes name for the same"
	// +kubebuilder:validation:XValidation:rule="self.all(k, self.all(o, o == k || o.lowerAscii() != k.lowerAscii()))",message="tag keys must differ in more than upper and lower case: IAM takes Team and team for the same"
	Tags map[string]TagValue `json:"tags,omitempty"`

	// Suspend stops the operator from changing anything of this stack until it is false again. What runs, runs on; a
	// deletion waits too. Example: false
	// +optional
	// +kubebuilder:default=false
	Suspend bool `json:"suspend,omitempty"`
}

// TagValue is the value of a tag: at most 256 letters, digits, spaces and _ . : / = + - @. AWS takes nothing else.
//
// +kubebuilder:validation:MaxLength=256
// +kubebuilder:validation:Pattern=`^[\p{L}\p{Z}\p{N}_.:/=+@-]*$`
type TagValue string

// DeletionPolicy says what becomes of AWS resources when their stack is deleted.
//
// +kubebuilder:validation:Enum=Delete;Snapshot;Retain
type DeletionPolicy string

// The deletion policies, from the least to the most that is kept.
const (
	DeletionPolicyDelete   DeletionPolicy = "Delete"
	DeletionPolicySnapshot DeletionPolicy = "Snapshot"
	DeletionPolicyRetain   DeletionPolicy = "Retain"
)
