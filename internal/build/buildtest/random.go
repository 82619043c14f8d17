package buildtest

import (
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	v1 "usermanagement.dev/stack/api/v1"
)

// hostile are texts that somebody may try anywhere.
var hostile = []string{
	"", " ", "a", "-", ".", "..", "--", "\x00", "\n", "a\nb: c", `"`, "'", "`id`", "$(id)", "${x}", "%s", "{{.}}", "#", "ü", "🙂",
	"0.0.0.0/0", "::/0", "10.0.0.0/33", "10.0.0.0/-1", "999.0.0.0/16", strings.Repeat("a", 300), "\xff",
}

// However wild, a list longer than these says nothing more.
const (
	maxZones = 5
	maxTags  = 50
	maxHosts = 20
)

// drawing is one stack being drawn. A wild one may have anything anywhere; a tame one is valid.
type drawing struct {
	*rapid.T
	wild bool
}

// text draws one of the good texts mostly, and in a wild stack sometimes one that is hostile or any at all.
func (d drawing) text(name string, good ...string) string {
	if d.wild {
		switch rapid.IntRange(0, 19).Draw(d.T, name+"?") {
		case 0:
			return rapid.SampledFrom(hostile).Draw(d.T, name)
		case 1:
			return rapid.String().Draw(d.T, name)
		}
	}
	return rapid.SampledFrom(good).Draw(d.T, name)
}

// number draws from a range mostly, and in a wild stack sometimes any.
func (d drawing) number(name string, low, high int32) int32 {
	if d.wild && rapid.IntRange(0, 19).Draw(d.T, name+"?") == 0 {
		return rapid.Int32().Draw(d.T, name)
	}
	return rapid.Int32Range(low, high).Draw(d.T, name)
}

func (d drawing) yes(name string) bool { return rapid.Bool().Draw(d.T, name) }

// texts draws at least so many of the good texts, each once; in a wild stack it may end in another.
func (d drawing) texts(name string, least int, good ...string) []string {
	order := rapid.Permutation(good).Draw(d.T, name)
	list := order[:rapid.IntRange(least, len(order)).Draw(d.T, name+" count")]
	if d.wild && d.yes(name+" more") {
		list = append(list, d.text(name+" last", good...))
	}
	return list
}

// Random draws a stack that is often valid and never far from it.
func Random(t *rapid.T) *v1.UserManagementStack {
	d := drawing{T: t, wild: rapid.Bool().Draw(t, "wild")}
	region := d.text("region", "us-east-2", "us-gov-west-1", "cn-north-1")
	stack := &v1.UserManagementStack{ObjectMeta: metav1.ObjectMeta{
		Name:      d.text("name", "prod", "a--b", "internal-x", "sg-x", "default", strings.Repeat("x", 40)),
		Namespace: Namespace, UID: types.UID(d.text("uid", UID)),
	}}
	stack.SetGroupVersionKind(v1.GroupVersionKind)
	stack.Spec = v1.UserManagementStackSpec{
		Region:         region,
		Network:        d.network(region),
		Ingress:        d.ingress(),
		Bastion:        d.bastion(),
		Hosts:          d.hosts(),
		Database:       d.database(),
		App:            d.app(),
		DeletionPolicy: v1.DeletionPolicy(d.text("policy", "Delete", "Snapshot", "Retain")),
		Suspend:        d.yes("suspend"),
		Rollout: v1.RolloutSpec{
			ProgressDeadline: metav1.Duration{Duration: time.Duration(d.number("deadline", 60, 7200)) * time.Second},
			Drain:            &metav1.Duration{Duration: time.Duration(d.number("drain", 0, 3600)) * time.Second},
			Paused:           d.yes("paused"),
		},
	}
	for range d.number("tags", 0, 5) % maxTags {
		if stack.Spec.Tags == nil {
			stack.Spec.Tags = make(map[string]v1.TagValue)
		}
		stack.Spec.Tags[d.text("tag", "team", "cost:center", "a b")] = v1.TagValue(d.text("tag value", "a", "Ä 1"))
	}
	return stack
}

func (d drawing) network(region string) v1.NetworkSpec {
	network := v1.NetworkSpec{
		CIDR:        d.text("cidr", "10.0.0.0/16"),
		NATGateways: v1.NATGatewayMode(d.text("gateways", "PerZone", "Single")),
	}
	given := d.yes("subnets given")
	if !given {
		network.CIDR = d.text("cidr", "10.0.0.0/16", "10.0.0.0/23", "172.16.0.0/20", "255.255.0.0/16")
	}
	for i := range d.number("zones", 2, 3) % maxZones {
		zone := v1.ZoneSpec{Name: d.text("zone", region+string('a'+i))}
		if given {
			octet := string('1' + i)
			zone.PublicCIDR = d.text("public", "10.0."+octet+".0/24")
			zone.AppCIDR = d.text("app", "10.0."+octet+"0.0/24")
			zone.DatabaseCIDR = d.text("database", "10.0."+octet+"00.0/24")
		}
		network.Zones = append(network.Zones, zone)
	}
	return network
}

func (d drawing) ingress() v1.IngressSpec {
	ingress := v1.IngressSpec{
		Scheme:       v1.LoadBalancerScheme(d.text("scheme", "internet-facing", "internal")),
		AllowedCIDRs: d.texts("allowed", 1, "0.0.0.0/0", "10.0.0.0/8", "192.0.2.0/24"),
	}
	if d.yes("domain") {
		ingress.Domain = &v1.DomainSpec{
			Name:           d.text("domain name", "users.example.com", strings.Repeat("d", 52)+".example.com"),
			Aliases:        d.texts("alias", 0, "a.example.com", "b.example.com", strings.Repeat("e.", 120)+"com"),
			HostedZoneID:   d.text("hosted zone", "Z0123456789"),
			CertificateARN: d.text("certificate", "", "arn:aws:acm:us-east-2:111122223333:certificate/x"),

			ExistingRecords: v1.ExistingRecords(d.text("existing records", "", "Refuse", "TakeOver")),
		}
	}
	return ingress
}

func (d drawing) bastion() v1.BastionSpec {
	return v1.BastionSpec{
		Enabled:      d.yes("bastion"),
		Image:        d.text("bastion image", "", "ami-0abcdef1234567890"),
		RootDevice:   v1.RootDevice(d.text("bastion device", "", "/dev/xvda", "/dev/sda1")),
		InstanceType: d.text("bastion type", "t3.micro"),
		AllowedCIDRs: d.texts("bastion allowed", 1, "203.0.113.7/32", "10.0.0.0/8"),
		AuthorizedKeys: d.texts("keys", 1, "ssh-ed25519 AAAA a", "ssh-ed25519 BBBB it's \"me\" # $HOME",
			"ssh-rsa "+strings.Repeat("A", 700)),
	}
}

func (d drawing) hosts() v1.HostsSpec {
	return v1.HostsSpec{
		Image:         d.text("image", "ami-0abcdef1234567890"),
		Architecture:  v1.Architecture(d.text("architecture", "amd64")),
		InstanceType:  d.text("type", "t3.micro", "g4dn.xlarge"),
		PerZone:       min(d.number("per zone", 1, 3), maxHosts),
		RootDevice:    v1.RootDevice(d.text("device", "/dev/xvda", "/dev/sda1")),
		RootVolumeGiB: d.number("volume", 8, 1024),
		Repair:        v1.RepairPolicy(d.text("repair", "Report", "Replace")),
	}
}

func (d drawing) database() v1.DatabaseSpec {
	engine, versions := "mysql", []string{"8.4", "8.4.3", "9.0"}
	if d.yes("mariadb") {
		engine, versions = "mariadb", []string{"11.4", "10.11"}
	}
	database := v1.DatabaseSpec{
		Engine:              v1.DatabaseEngine(d.text("engine", engine)),
		Version:             d.text("version", versions...),
		InstanceClass:       d.text("class", "db.t3.micro"),
		StorageGiB:          d.number("storage", 20, 65536),
		MultiAZ:             d.yes("multi-AZ"),
		BackupRetentionDays: new(d.number("backups", 0, 35)),
		DeletionProtection:  d.yes("protection"),
	}
	for range d.number("parameters", 0, 3) % maxTags {
		if database.Parameters == nil {
			database.Parameters = make(map[string]string)
		}
		name := d.text("parameter", "max_connections", "character_set_server", "sql_mode")
		database.Parameters[name] = d.text("parameter value", "1", "utf8mb4", "")
	}
	return database
}

func (d drawing) app() v1.AppSpec {
	app := v1.AppSpec{
		Version: d.text("release", "1.0.0", "1.0.0-rc.1+build.5"),
		Admin: v1.AdminSpec{
			Username: d.text("admin", "admin"),
			Email:    d.text("email", "", "a'b;c@example.com", strings.Repeat("e", 240)+"@example.com"),
		},
	}
	for _, architecture := range d.texts("artifacts", 2, "amd64", "arm64") {
		app.Artifacts = append(app.Artifacts, v1.Artifact{
			Architecture: v1.Architecture(architecture),
			URL:          d.text("url", "https://releases.example.com/a'b;c", "http://x/"+strings.Repeat("u", 1000)),
			SHA256:       d.text("checksum", strings.Repeat("0a", 32)),
		})
	}
	return app
}
