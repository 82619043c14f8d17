package v1

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// HostsSpec is the fleet of app hosts. A change of image, architecture, instance type or root volume replaces them.
//
// +kubebuilder:validation:XValidation:rule="!has(self.architecture) || !has(self.instanceType) || self.instanceType.matches('^[a-z]+[0-9]+g[a-z]*[.]|^a1[.]') == (self.architecture == 'arm64')",message="hosts.instanceType must be of hosts.architecture: for example t3.micro for amd64, t4g.micro for arm64"
type HostsSpec struct {
	// Image is the AMI of the hosts: Amazon Linux 2023, Debian 12 or newer, or Ubuntu 24.04. Example: ami-0abcdef1234567890
	// +required
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^ami-[0-9a-f]{8,17}$`
	Image string `json:"image"`

	// Architecture is the image's processor architecture. Example: amd64
	// +optional
	// +kubebuilder:default=amd64
	Architecture Architecture `json:"architecture,omitempty"`

	// InstanceType is the EC2 type of each host. Example: t3.micro
	// +optional
	// +kubebuilder:default=t3.micro
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^[a-z0-9-]+\.[a-z0-9-]+$`
	InstanceType string `json:"instanceType,omitempty"`

	// PerZone is the number of hosts in each zone, 1 to 10. Example: 1
	// +optional
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10
	PerZone int32 `json:"perZone,omitempty"`

	// RootDevice is the image's name for its root volume, which is made encrypted under that name: /dev/xvda on Amazon
	// Linux and Debian, /dev/sda1 on Ubuntu. Example: /dev/xvda
	// +optional
	// +kubebuilder:default=/dev/xvda
	RootDevice RootDevice `json:"rootDevice,omitempty"`

	// RootVolumeGiB is the size of each host's encrypted root volume, in GiB. Example: 20
	// +optional
	// +kubebuilder:default=20
	// +kubebuilder:validation:Minimum=8
	// +kubebuilder:validation:Maximum=1024
	RootVolumeGiB int32 `json:"rootVolumeGiB,omitempty"`

	// Repair says what becomes of a host that is terminated from outside, or that does not get healthy for longer than
	// rollout.progressDeadline while others are: Report names it in the status and leaves it, Replace makes another in its
	// place, one at a time. Example: Report
	// +optional
	// +kubebuilder:default=Report
	Repair RepairPolicy `json:"repair,omitempty"`
}

// BastionSpec is the one host that administrators reach from outside by SSH. A change of its image, type or keys
// replaces it.
//
// +kubebuilder:validation:XValidation:rule="!has(self.enabled) || !self.enabled || (has(self.allowedCIDRs) && self.allowedCIDRs.size() > 0)",message="bastion.allowedCIDRs must name the networks that may reach the bastion when it is enabled, for example 203.0.113.7/32"
// +kubebuilder:validation:XValidation:rule="!has(self.enabled) || !self.enabled || (has(self.authorizedKeys) && self.authorizedKeys.size() > 0)",message="bastion.authorizedKeys must hold at least one public key when the bastion is enabled: there is no password login"
// +kubebuilder:validation:XValidation:rule="!has(self.authorizedKeys) || self.authorizedKeys.map(k, size(k)).sum() <= 6000",message="bastion.authorizedKeys must have at most 6000 characters in all: they travel in user data, which EC2 keeps small; ed25519 keys are short"
type BastionSpec struct {
	// Enabled says whether there is a bastion. Example: true
	// +optional
	// +kubebuilder:default=false
	Enabled bool `json:"enabled,omitempty"`

	// Image is the bastion's AMI; hosts.image when left out. Example: ami-0abcdef1234567890
	// +optional
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^ami-[0-9a-f]{8,17}$`
	Image string `json:"image,omitempty"`

	// RootDevice is the bastion image's name for its root volume; hosts.rootDevice when left out. Example: /dev/xvda
	// +optional
	RootDevice RootDevice `json:"rootDevice,omitempty"`

	// InstanceType is the bastion's EC2 type. Example: t3.micro
	// +optional
	// +kubebuilder:default=t3.micro
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^[a-z0-9-]+\.[a-z0-9-]+$`
	InstanceType string `json:"instanceType,omitempty"`

	// AllowedCIDRs are the IPv4 networks that may open an SSH connection to the bastion. The whole internet is refused.
	// Example: [203.0.113.7/32]
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=50
	// +kubebuilder:validation:items:MaxLength=18
	// +kubebuilder:validation:XValidation:rule="self.all(c, isCIDR(c) && cidr(c).ip().family() == 4 && cidr(c) == cidr(c).masked())",message="bastion.allowedCIDRs must be IPv4 networks with no host bits set, for example 203.0.113.7/32"
	// +kubebuilder:validation:XValidation:rule="self.all(c, !isCIDR(c) || cidr(c).prefixLength() >= 8)",message="bastion.allowedCIDRs must not open SSH to the whole internet: name the networks that administrators come from"
	AllowedCIDRs []string `json:"allowedCIDRs,omitempty"`

	// AuthorizedKeys are the administrators' OpenSSH public keys, one per entry. They open the bastion and, from there,
	// the app hosts: a change replaces the bastion, and the hosts one by one. Example: [ssh-ed25519 AAAA… alice]
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=20
	// +kubebuilder:validation:items:MaxLength=800
	// +kubebuilder:validation:items:Pattern=`^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-ssh-ed25519@openssh\.com|sk-ecdsa-sha2-nistp256@openssh\.com) [A-Za-z0-9+/]+={0,2}( [^\n\r]*)?$`
	AuthorizedKeys []string `json:"authorizedKeys,omitempty"`
}

// RolloutSpec bounds how hosts are replaced.
type RolloutSpec struct {
	// ProgressDeadline is how long a new host may take to become healthy before it is withdrawn. Example: 15m
	// +optional
	// +kubebuilder:default="15m"
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1m') && duration(self) <= duration('2h')",message="rollout.progressDeadline must be between 1m and 2h"
	ProgressDeadline metav1.Duration `json:"progressDeadline,omitzero,omitempty"`

	// Drain is how long a host that leaves may finish its requests: the target group's deregistration delay; 0s is none.
	// Example: 30s
	// +optional
	// +kubebuilder:default="30s"
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('0s') && duration(self) <= duration('1h')",message="rollout.drain must be between 0s and 1h"
	Drain *metav1.Duration `json:"drain,omitempty"`

	// Paused holds a rollout where it is: no host is made, drained or removed for another revision until it is false
	// again. What was drained already serves again if its successor fails. Example: false
	// +optional
	// +kubebuilder:default=false
	Paused bool `json:"paused,omitempty"`
}

// The API's own defaults, for stacks that were stored before the fields were there.
const (
	defaultDeadline = 15 * time.Minute
	defaultDrain    = 30 * time.Second
)

// DeadlineTime is ProgressDeadline, or its default.
func (r *RolloutSpec) DeadlineTime() time.Duration {
	if r.ProgressDeadline.Duration <= 0 {
		return defaultDeadline
	}
	return r.ProgressDeadline.Duration
}

// DrainTime is Drain, or its default.
func (r *RolloutSpec) DrainTime() time.Duration {
	if r.Drain == nil {
		return defaultDrain
	}
	return r.Drain.Duration
}

// RepairPolicy says what becomes of a broken host.
//
// +kubebuilder:validation:Enum=Report;Replace
type RepairPolicy string

// The repair policies.
const (
	RepairReport  RepairPolicy = "Report"
	RepairReplace RepairPolicy = "Replace"
)

// RootDevice is an image's name for its root volume.
//
// +kubebuilder:validation:Enum=/dev/xvda;/dev/sda1
type RootDevice string

// The root devices: RootDeviceXen of Amazon Linux and Debian images, RootDeviceSCSI of Ubuntu images.
const (
	RootDeviceXen  RootDevice = "/dev/xvda"
	RootDeviceSCSI RootDevice = "/dev/sda1"
)

// Architecture is a processor architecture, as Go names it.
//
// +kubebuilder:validation:Enum=amd64;arm64
type Architecture string

// The architectures that a release is built for.
const (
	ArchitectureAMD64 Architecture = "amd64"
	ArchitectureARM64 Architecture = "arm64"
)
