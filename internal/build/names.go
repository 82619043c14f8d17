package build

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	v1 "usermanagement.dev/stack/api/v1"
)

// The nodes that there is one of in each stack. Others are named by a function of what they are for.
const (
	NodeVPC                = "vpc"
	NodeInternetGateway    = "igw"
	NodePublicRoutes       = "rt-public"
	NodeDatabaseRoutes     = "rt-db"
	NodeBalancerGroup      = "sg-alb"
	NodeAppGroup           = "sg-app"
	NodeDatabaseGroup      = "sg-db"
	NodeBastionGroup       = "sg-bastion"
	NodeHostRole           = "role-host"
	NodeHostProfile        = "profile-host"
	NodeAppSecret          = "app-secret"
	NodeDatabaseSubnets    = "db-subnets"
	NodeDatabase           = "db"
	NodeBastion            = "bastion"
	nodeDatabaseParameters = "db-params"
	nodeBalancer           = "alb"
	nodeTargetGroup        = "tg"
	nodeHTTPListener       = "listener-http"
	nodeHTTPSListener      = "listener-https"
	nodeCertificate        = "cert"
	nodeCertificateProof   = "cert-validation"
	nodeDNS                = "dns"
	nodeHost               = "host"
	internalSuffix         = "-internal"
	tierPublic             = "public"
	tierApp                = "app"
	tierDatabase           = "db"
)

// How long AWS lets a name be.
const (
	maxBalancerName      = 32 // load balancers and target groups
	maxSecurityGroupName = 255
	maxDatabaseName      = 63
	maxGroupName         = 255 // DB subnet groups, DB parameter groups, snapshots
	maxRoleName          = 64
	maxProfileName       = 128
	maxSecretName        = 512
)

const hashLength = 8

// reservedPrefixes are those that AWS keeps for itself on one kind or another; awsNamePrefix leads away from them.
var reservedPrefixes = []string{"internal-", "sg-", "default"}

const awsNamePrefix = "ums-"

// SubnetNode is the node of a zone's subnet; tier is public, app or db.
func SubnetNode(tier, zone string) string { return "subnet-" + tier + "-" + zone }

// ElasticIPNode is the node of the address of a zone's NAT gateway.
func ElasticIPNode(zone string) string { return "eip-" + zone }

// NATGatewayNode is the node of a zone's NAT gateway.
func NATGatewayNode(zone string) string { return "nat-" + zone }

// AppRoutesNode is the node of the route table of a zone's app subnet.
func AppRoutesNode(zone string) string { return "rt-app-" + zone }

// HostNode is the node of a zone's n-th host, from 0.
func HostNode(zone string, n int) string { return nodeHost + "-" + zone + "-" + strconv.Itoa(n) }

// BalancerNode is the node of the load balancer. It carries the scheme, so that a change of the scheme, which AWS cannot
// do, makes a second load balancer and lets the first go only after everything has moved.
func BalancerNode(stack *v1.UserManagementStack) string { return nodeBalancer + schemeSuffix(stack) }

// TargetGroupNode is the node of the target group, which serves one load balancer for life.
func TargetGroupNode(stack *v1.UserManagementStack) string {
	return nodeTargetGroup + schemeSuffix(stack)
}

// HTTPListenerNode is the node of the listener on port 80.
func HTTPListenerNode(stack *v1.UserManagementStack) string {
	return nodeHTTPListener + schemeSuffix(stack)
}

// HTTPSListenerNode is the node of the listener on port 443; a stack without a domain has none.
func HTTPSListenerNode(stack *v1.UserManagementStack) string {
	return nodeHTTPSListener + schemeSuffix(stack)
}

func schemeSuffix(stack *v1.UserManagementStack) string {
	if stack.Spec.Ingress.Scheme == v1.SchemeInternal {
		return internalSuffix
	}
	return ""
}

// DatabaseParametersNode is the node of the database's parameter group. It carries the engine's family, which a group
// keeps for life: an upgrade of the engine gets a group of its own.
func DatabaseParametersNode(stack *v1.UserManagementStack) string {
	return nodeDatabaseParameters + "-" + family(&stack.Spec.Database)
}

// CertificateNode is the node of the stack's own certificate. It carries a hash of the names, which a certificate keeps
// for life: other names get another certificate, and the old one goes only after the listener has let go of it.
func CertificateNode(domain *v1.DomainSpec) string {
	return nodeCertificate + "-" + shortHash(strings.Join(names(domain), ","))
}

// CertificateProofNode is the node of the DNS record that proves the ownership of a name.
func CertificateProofNode(name string) string { return nodeID(nodeCertificateProof + "-" + name) }

// DNSNode is the node of the DNS record of one of the app's names.
func DNSNode(name string) string { return nodeID(nodeDNS + "-" + name) }

// nodeID bounds a name to what a label can hold.
func nodeID(id string) string { return bounded(id, validation.LabelValueMaxLength) }

// ObjectName is the name of a node's object: unique among all stacks of a namespace, past ones included.
func ObjectName(stack *v1.UserManagementStack, node string) string {
	return stack.Name + "-" + node + "-" + uidHash(stack.UID)
}

// RevisedObjectName is the name of a node's object whose revision is part of its identity: an app host or the bastion.
func RevisedObjectName(stack *v1.UserManagementStack, node, revision string) string {
	return ObjectName(stack, node) + "-" + revision
}

// AppSecretName is the Kubernetes Secret that holds what the app needs to keep secret.
func AppSecretName(stack *v1.UserManagementStack) string { return stack.Name + "-app" }

// AppSecretKey is the key in that Secret whose value goes to Secrets Manager as it is.
const AppSecretKey = "app-secret.json" //nolint:gosec // the name of a key

// awsName is what AWS shall call a node's resource: at most limit characters of lower-case letters, digits and single
// hyphens, letter first, without the prefixes that AWS keeps for itself. It is the object's name where that fits, and
// always tells stacks of one name apart, because ACK takes over what already has the name.
func (a *assembly) awsName(node string, limit int) string {
	full := ObjectName(a.stack, node)
	folded := strings.Map(func(r rune) rune {
		if r == '.' {
			return '-'
		}
		return r
	}, full)
	for strings.Contains(folded, "--") {
		folded = strings.ReplaceAll(folded, "--", "-")
	}
	for _, reserved := range reservedPrefixes {
		if strings.HasPrefix(folded, reserved) {
			folded = awsNamePrefix + folded
			break
		}
	}
	return bounded(folded, limit)
}

// iamName is an IAM name; it carries the region, because an account's roles are not of any region.
func (a *assembly) iamName(node string, limit int) string {
	return a.awsName(node+"-"+a.spec.Region, limit)
}

// bounded is the name itself where it fits, else its beginning and a hash of the whole.
func bounded(name string, limit int) string {
	if len(name) <= limit {
		return name
	}
	return strings.TrimRight(name[:limit-hashLength-1], "-.") + "-" + shortHash(name)
}

// uidHash stands for a stack's UID in names. The UID itself is too long for most of them.
func uidHash(uid types.UID) string { return shortHash(string(uid)) }

func shortHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:hashLength]
}
