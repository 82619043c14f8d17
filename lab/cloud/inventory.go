package cloud

import (
	"sort"
	"time"
)

// Kind is a kind of AWS resource, named as the ACK controllers name it.
type Kind string

// The kinds of the model. NetworkInterface, DBSnapshot and HostedZone are not made by controllers here, but they exist.
const (
	KindVPC              Kind = "VPC"
	KindSubnet           Kind = "Subnet"
	KindInternetGateway  Kind = "InternetGateway"
	KindElasticIP        Kind = "ElasticIPAddress"
	KindNATGateway       Kind = "NATGateway"
	KindRouteTable       Kind = "RouteTable"
	KindSecurityGroup    Kind = "SecurityGroup"
	KindNetworkInterface Kind = "NetworkInterface"
	KindInstance         Kind = "Instance"
	KindRole             Kind = "Role"
	KindPolicy           Kind = "Policy"
	KindInstanceProfile  Kind = "InstanceProfile"
	KindSecret           Kind = "Secret"
	KindDBSubnetGroup    Kind = "DBSubnetGroup"
	KindDBParameterGroup Kind = "DBParameterGroup"
	KindDBInstance       Kind = "DBInstance"
	KindDBSnapshot       Kind = "DBSnapshot"
	KindCertificate      Kind = "Certificate"
	KindHostedZone       Kind = "HostedZone"
	KindRecordSet        Kind = "RecordSet"
	KindLoadBalancer     Kind = "LoadBalancer"
	KindTargetGroup      Kind = "TargetGroup"
	KindListener         Kind = "Listener"
)

var services = map[Kind]string{
	KindRole: "iam", KindPolicy: "iam", KindInstanceProfile: "iam", KindSecret: "secretsmanager",
	KindDBSubnetGroup: "rds", KindDBParameterGroup: "rds", KindDBInstance: "rds", KindDBSnapshot: "rds",
	KindCertificate: "acm", KindHostedZone: "route53", KindRecordSet: "route53",
	KindLoadBalancer: "elbv2", KindTargetGroup: "elbv2", KindListener: "elbv2",
}

func (k Kind) service() string {
	if service, ok := services[k]; ok {
		return service
	}
	return "ec2"
}

// Meta is what the model keeps of everything.
type Meta struct {
	// Region is where it lives; the kinds of IAM and Route 53 keep the region of their creator.
	Region string
	// Owner is the caller that made it; empty for what AWS made by itself, such as a default security group.
	Owner   Owner
	Tags    Tags
	Created time.Time
}

func (m *Meta) head() *Meta { return m }

// Object is one live thing in the account.
type Object struct {
	Kind Kind
	// ID is what the kind's Describe call takes: an id, an ARN or a name.
	ID string
	// State is empty for kinds without states.
	State string
	// Implicit says that AWS made it along with something else (default security group, main route table, network
	// interface of a gateway, secret of a database) and takes it away with it.
	Implicit bool
	Meta
}

// record is a stored thing.
type record interface {
	head() *Meta
	object() Object
}

// database is everything that AWS remembers. Tables are keyed by what Describe calls take; kinds that are named by their
// users are keyed by region and name.
type database struct {
	vpcs            map[string]*VPC
	subnets         map[string]*Subnet
	gateways        map[string]*InternetGateway
	addresses       map[string]*ElasticIP
	natGateways     map[string]*NATGateway
	routeTables     map[string]*RouteTable
	securityGroups  map[string]*SecurityGroup
	interfaces      map[string]*NetworkInterface
	instances       map[string]*Instance
	keyPairs        map[string]bool
	roles           map[string]*Role
	policies        map[string]*Policy
	profiles        map[string]*InstanceProfile
	secrets         map[string]*Secret
	subnetGroups    map[string]*DBSubnetGroup
	parameterGroups map[string]*DBParameterGroup
	dbInstances     map[string]*DBInstance
	snapshots       map[string]*DBSnapshot
	certificates    map[string]*Certificate
	zones           map[string]*HostedZone
	changes         map[string]*ChangeInfo
	loadBalancers   map[string]*LoadBalancer
	targetGroups    map[string]*TargetGroup
	listeners       map[string]*Listener
	nextAddress     uint32
}

func newDatabase() database {
	return database{
		vpcs: map[string]*VPC{}, subnets: map[string]*Subnet{}, gateways: map[string]*InternetGateway{},
		addresses: map[string]*ElasticIP{}, natGateways: map[string]*NATGateway{}, routeTables: map[string]*RouteTable{},
		securityGroups: map[string]*SecurityGroup{}, interfaces: map[string]*NetworkInterface{},
		instances: map[string]*Instance{}, keyPairs: map[string]bool{}, roles: map[string]*Role{},
		policies: map[string]*Policy{}, profiles: map[string]*InstanceProfile{}, secrets: map[string]*Secret{},
		subnetGroups: map[string]*DBSubnetGroup{}, parameterGroups: map[string]*DBParameterGroup{},
		dbInstances: map[string]*DBInstance{}, snapshots: map[string]*DBSnapshot{},
		certificates: map[string]*Certificate{}, zones: map[string]*HostedZone{}, changes: map[string]*ChangeInfo{},
		loadBalancers: map[string]*LoadBalancer{}, targetGroups: map[string]*TargetGroup{},
		listeners: map[string]*Listener{},
	}
}

// regional is the key of a kind that is unique by name within a region.
func regional(region, name string) string { return region + "/" + name }

func (db *database) metaOf(kind Kind, region, id string) *Meta {
	for _, key := range []string{id, regional(region, id)} {
		if r := db.lookup(kind, key); r != nil {
			return r.head()
		}
	}
	return nil
}

func (db *database) lookup(kind Kind, key string) record {
	var found record
	db.eachOf(kind, func(k string, r record) {
		if k == key {
			found = r
		}
	})
	return found
}

func visit[T any, P interface {
	*T
	record
}](rows map[string]P, fn func(string, record)) {
	for key, row := range rows {
		fn(key, row)
	}
}

// eachOf visits all records of a kind, in no order.
func (db *database) eachOf(kind Kind, fn func(string, record)) {
	switch kind {
	case KindVPC:
		visit(db.vpcs, fn)
	case KindSubnet:
		visit(db.subnets, fn)
	case KindInternetGateway:
		visit(db.gateways, fn)
	case KindElasticIP:
		visit(db.addresses, fn)
	case KindNATGateway:
		visit(db.natGateways, fn)
	case KindRouteTable:
		visit(db.routeTables, fn)
	case KindSecurityGroup:
		visit(db.securityGroups, fn)
	case KindNetworkInterface:
		visit(db.interfaces, fn)
	case KindInstance:
		visit(db.instances, fn)
	case KindRole:
		visit(db.roles, fn)
	case KindPolicy:
		visit(db.policies, fn)
	case KindInstanceProfile:
		visit(db.profiles, fn)
	case KindSecret:
		visit(db.secrets, fn)
	default:
		db.eachOfMore(kind, fn)
	}
}

func (db *database) eachOfMore(kind Kind, fn func(string, record)) {
	switch kind {
	case KindDBSubnetGroup:
		visit(db.subnetGroups, fn)
	case KindDBParameterGroup:
		visit(db.parameterGroups, fn)
	case KindDBInstance:
		visit(db.dbInstances, fn)
	case KindDBSnapshot:
		visit(db.snapshots, fn)
	case KindCertificate:
		visit(db.certificates, fn)
	case KindHostedZone:
		visit(db.zones, fn)
	case KindRecordSet:
		for _, zone := range db.zones {
			visit(zone.records, fn)
		}
	case KindLoadBalancer:
		visit(db.loadBalancers, fn)
	case KindTargetGroup:
		visit(db.targetGroups, fn)
	case KindListener:
		visit(db.listeners, fn)
	default: // eachOf has the others
	}
}

// Kinds lists all kinds of the model.
func Kinds() []Kind {
	return []Kind{
		KindVPC, KindSubnet, KindInternetGateway, KindElasticIP, KindNATGateway, KindRouteTable, KindSecurityGroup,
		KindNetworkInterface, KindInstance, KindRole, KindPolicy, KindInstanceProfile, KindSecret, KindDBSubnetGroup,
		KindDBParameterGroup, KindDBInstance, KindDBSnapshot, KindCertificate, KindHostedZone, KindRecordSet,
		KindLoadBalancer, KindTargetGroup, KindListener,
	}
}

// goneStates are those in which AWS still describes a thing that no longer exists.
var goneStates = map[string]bool{"terminated": true, "deleted": true}

// Objects lists what exists, sorted by kind, then time of creation, then id. Things that AWS only remembers (terminated
// instances, deleted gateways, secrets within their recovery window) are not in it.
func (c *Cloud) Objects() []Object {
	c.mu.Lock()
	defer c.mu.Unlock()
	var objects []Object
	for _, kind := range Kinds() {
		first := len(objects)
		c.db.eachOf(kind, func(_ string, r record) {
			object := r.object()
			object.Kind, object.Meta = kind, *r.head()
			if !goneStates[object.State] {
				objects = append(objects, object)
			}
		})
		sortObjects(objects[first:])
	}
	return objects
}

// OwnedObjects lists what exists and was created for an owner, rather than by AWS or by hand.
func (c *Cloud) OwnedObjects() []Object {
	var owned []Object
	for _, object := range c.Objects() {
		if object.Owner != (Owner{}) && !object.Implicit {
			owned = append(owned, object)
		}
	}
	return owned
}

func sortObjects(objects []Object) {
	sort.Slice(objects, func(i, j int) bool {
		a, b := objects[i], objects[j]
		if !a.Created.Equal(b.Created) {
			return a.Created.Before(b.Created)
		}
		return a.ID < b.ID
	})
}

// list copies the records that keep wants, sorted by time of creation and id.
func list[T any, P interface {
	*T
	record
}](rows map[string]P, keep func(P) bool) []T {
	var found []P
	for _, row := range rows {
		if keep == nil || keep(row) {
			found = append(found, row)
		}
	}
	sort.Slice(found, func(i, j int) bool {
		a, b := found[i].head(), found[j].head()
		if !a.Created.Equal(b.Created) {
			return a.Created.Before(b.Created)
		}
		return found[i].object().ID < found[j].object().ID
	})
	values := make([]T, len(found))
	for i, row := range found {
		values[i] = *row
	}
	return values
}
