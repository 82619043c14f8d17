package v1

// NetworkSpec is the stack's VPC: its address range and the zones it spans.
//
// +kubebuilder:validation:XValidation:rule="isCIDR(self.cidr) && cidr(self.cidr).ip().family() == 4 && cidr(self.cidr) == cidr(self.cidr).masked()",message="network.cidr must be an IPv4 network with no host bits set, for example 10.0.0.0/16"
// +kubebuilder:validation:XValidation:rule="!isCIDR(self.cidr) || (cidr(self.cidr).prefixLength() >= 16 && cidr(self.cidr).prefixLength() <= 25)",message="network.cidr must be between /16 and /25: AWS takes no larger VPC, and a smaller one has no room for the subnets"
// +kubebuilder:validation:XValidation:rule="!self.cidr.matches('^(0|127|169[.]254|22[4-9]|2[3-5][0-9])[.]')",message="network.cidr must be of addresses that hosts can have: not 0.0.0.0/8, 127.0.0.0/8, 169.254.0.0/16 nor 224.0.0.0 and above"
// +kubebuilder:validation:XValidation:rule="self.zones.all(z, self.zones.exists_one(o, o.name == z.name))",message="network.zones must be different zones"
// +kubebuilder:validation:XValidation:rule="self.zones.all(z, has(z.publicCIDR) && has(z.appCIDR) && has(z.databaseCIDR)) || self.zones.all(z, !has(z.publicCIDR) && !has(z.appCIDR) && !has(z.databaseCIDR))",message="give publicCIDR, appCIDR and databaseCIDR for every zone, or for none (then they are computed)"
// +kubebuilder:validation:XValidation:rule="!isCIDR(self.cidr) || self.zones.exists(z, has(z.publicCIDR)) || cidr(self.cidr).prefixLength() <= 23",message="network.cidr must be /23 or larger when the subnets are computed: each is a sixteenth of it, and a load balancer needs a /27"
// +kubebuilder:validation:XValidation:rule="!self.zones.all(z, has(z.publicCIDR) && has(z.appCIDR) && has(z.databaseCIDR)) || !isCIDR(self.cidr) || (self.zones.map(z, z.publicCIDR) + self.zones.map(z, z.appCIDR) + self.zones.map(z, z.databaseCIDR)).all(s, !isCIDR(s) || cidr(self.cidr).containsCIDR(s))",message="every subnet must lie inside network.cidr"
// +kubebuilder:validation:XValidation:rule="!self.zones.all(z, has(z.publicCIDR) && has(z.appCIDR) && has(z.databaseCIDR)) || (self.zones.map(z, z.publicCIDR) + self.zones.map(z, z.appCIDR) + self.zones.map(z, z.databaseCIDR)).all(a, (self.zones.map(z, z.publicCIDR) + self.zones.map(z, z.appCIDR) + self.zones.map(z, z.databaseCIDR)).filter(b, isCIDR(a) && isCIDR(b) && (cidr(a).containsCIDR(b) || cidr(b).containsCIDR(a))).size() <= 1)",message="subnets must not overlap each other"
type NetworkSpec struct {
	// CIDR is the VPC's IPv4 range, /16 to /25. Example: 10.0.0.0/16
	// +required
	// +kubebuilder:validation:MinLength=9
	// +kubebuilder:validation:MaxLength=18
	CIDR string `json:"cidr"`

	// Zones are the two or three availability zones of the stack; a load balancer needs at least two.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=2
	// +kubebuilder:validation:MaxItems=3
	Zones []ZoneSpec `json:"zones"`

	// NATGateways says how the app subnets reach the internet: PerZone gives each zone a gateway of its own, so that
	// the loss of one zone leaves the others working; Single saves the cost of the others. Example: PerZone
	// +optional
	// +kubebuilder:default=PerZone
	NATGateways NATGatewayMode `json:"natGateways,omitempty"`
}

// ZoneSpec is one availability zone and its three subnets. Leave the subnets out in every zone to have them computed:
// each is then a sixteenth of the VPC's range, public ones from the first on, app ones from the fifth, database ones
// from the ninth.
//
// +kubebuilder:validation:XValidation:rule="!has(self.publicCIDR) || (isCIDR(self.publicCIDR) && cidr(self.publicCIDR).ip().family() == 4 && cidr(self.publicCIDR) == cidr(self.publicCIDR).masked() && cidr(self.publicCIDR).prefixLength() <= 27)",message="publicCIDR must be an IPv4 network with no host bits set, /27 or larger (a load balancer needs it), for example 10.0.1.0/24"
// +kubebuilder:validation:XValidation:rule="!has(self.appCIDR) || (isCIDR(self.appCIDR) && cidr(self.appCIDR).ip().family() == 4 && cidr(self.appCIDR) == cidr(self.appCIDR).masked() && cidr(self.appCIDR).prefixLength() <= 28)",message="appCIDR must be an IPv4 network with no host bits set, /28 or larger, for example 10.0.10.0/24"
// +kubebuilder:validation:XValidation:rule="!has(self.databaseCIDR) || (isCIDR(self.databaseCIDR) && cidr(self.databaseCIDR).ip().family() == 4 && cidr(self.databaseCIDR) == cidr(self.databaseCIDR).masked() && cidr(self.databaseCIDR).prefixLength() <= 28)",message="databaseCIDR must be an IPv4 network with no host bits set, /28 or larger, for example 10.0.100.0/24"
type ZoneSpec struct {
	// Name is the availability zone. Example: us-east-2a
	// +required
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^[a-z]{2}(-[a-z]+)+-[0-9][a-z]$`
	Name string `json:"name"`

	// PublicCIDR is the subnet of the load balancer, the NAT gateway and the bastion. Example: 10.0.1.0/24
	// +optional
	// +kubebuilder:validation:MinLength=9
	// +kubebuilder:validation:MaxLength=18
	PublicCIDR string `json:"publicCIDR,omitempty"`

	// AppCIDR is the subnet of the app hosts. Example: 10.0.10.0/24
	// +optional
	// +kubebuilder:validation:MinLength=9
	// +kubebuilder:validation:MaxLength=18
	AppCIDR string `json:"appCIDR,omitempty"`

	// DatabaseCIDR is the subnet of the database; it has no route out. Example: 10.0.100.0/24
	// +optional
	// +kubebuilder:validation:MinLength=9
	// +kubebuilder:validation:MaxLength=18
	DatabaseCIDR string `json:"databaseCIDR,omitempty"`
}

// NATGatewayMode says how many NAT gateways a stack has.
//
// +kubebuilder:validation:Enum=PerZone;Single
type NATGatewayMode string

// The NAT gateway modes.
const (
	NATGatewayPerZone NATGatewayMode = "PerZone"
	NATGatewaySingle  NATGatewayMode = "Single"
)
