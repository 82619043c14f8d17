package v1

// IngressSpec says who may reach the app, and under which name.
type IngressSpec struct {
	// Scheme says whether the load balancer has public addresses. A change replaces the load balancer.
	// Example: internet-facing
	// +optional
	// +kubebuilder:default=internet-facing
	Scheme LoadBalancerScheme `json:"scheme,omitempty"`

	// AllowedCIDRs are the IPv4 networks that may reach the load balancer, at most 30: each needs a rule for HTTP and one
	// for HTTPS, and AWS allows 60 in a security group. Example: [203.0.113.0/24]
	// +optional
	// +listType=set
	// +kubebuilder:default={"0.0.0.0/0"}
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=30
	// +kubebuilder:validation:items:MaxLength=18
	// +kubebuilder:validation:XValidation:rule="self.all(c, isCIDR(c) && cidr(c).ip().family() == 4 && cidr(c) == cidr(c).masked())",message="ingress.allowedCIDRs must be IPv4 networks with no host bits set, for example 203.0.113.0/24"
	AllowedCIDRs []string `json:"allowedCIDRs,omitempty"`

	// Domain is the app's name, its certificate and its DNS records. Without it the app is served over plain HTTP under
	// the load balancer's own name, and the condition EndpointReady says so.
	// +optional
	Domain *DomainSpec `json:"domain,omitempty"`
}

// DomainSpec is the app's DNS name with its certificate and records.
//
// +kubebuilder:validation:XValidation:rule="has(self.hostedZoneID) || has(self.certificateARN)",message="domain needs hostedZoneID (then certificate and records are made) or certificateARN (then you keep both yourself)"
// +kubebuilder:validation:XValidation:rule="!has(self.aliases) || self.aliases.all(a, a != self.name)",message="domain.aliases must not repeat domain.name"
type DomainSpec struct {
	// Name is the fully qualified name that users type, in lower case. Example: users.example.com
	// +required
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$`
	Name string `json:"name"`

	// Aliases are further names for the app, in the same hosted zone. Example: [www.users.example.com]
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=9
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:items:Pattern=`^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$`
	Aliases []string `json:"aliases,omitempty"`

	// HostedZoneID is the Route 53 zone in which records are made: aliases to the load balancer, and the proof of
	// ownership for the certificate. Example: Z0123456789ABCDEFGHIJ
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^Z[A-Z0-9]+$`
	HostedZoneID string `json:"hostedZoneID,omitempty"`

	// CertificateARN is an ACM certificate of your own that covers the names. Without it one is requested and renewed.
	// Example: arn:aws:acm:us-east-2:111122223333:certificate/0b1c…
	// +optional
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:Pattern=`^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/.+$`
	CertificateARN string `json:"certificateARN,omitempty"`

	// ExistingRecords says what happens to address records (type A) that these names have in the hosted zone already.
	// Refuse leaves them as they are: the stack says which one is in the way, and is not ready. TakeOver points them to
	// this stack as soon as it serves, without a moment in which the name leads nowhere: that is how a stack takes the
	// place of another system. A record that was taken over is the stack's from then on, and goes when the stack is
	// deleted. Example: TakeOver
	// +optional
	// +kubebuilder:default=Refuse
	ExistingRecords ExistingRecords `json:"existingRecords,omitempty"`
}

// ExistingRecords says what happens to DNS records that are in the way.
//
// +kubebuilder:validation:Enum=Refuse;TakeOver
type ExistingRecords string

// What happens to existing records.
const (
	RecordsRefuse   ExistingRecords = "Refuse"
	RecordsTakeOver ExistingRecords = "TakeOver"
)

// LoadBalancerScheme says whether a load balancer has public addresses.
//
// +kubebuilder:validation:Enum=internet-facing;internal
type LoadBalancerScheme string

// The schemes, as Elastic Load Balancing names them.
const (
	SchemeInternetFacing LoadBalancerScheme = "internet-facing"
	SchemeInternal       LoadBalancerScheme = "internal"
)
