package cloud_test

import (
	"strings"
	"testing"
	"time"

	"usermanagement.dev/stack/lab/cloud"
	"usermanagement.dev/stack/lab/cloud/cloudtest"
)

func TestDBGroupRules(t *testing.T) {
	a := newAccount(t, cloud.Options{})
	n := a.network()
	sameZone := cloudtest.Must[cloud.Subnet](t)(a.CreateSubnet(a.ctx, cloud.CreateSubnetInput{
		VPCID: n.vpc, CIDRBlock: "10.0.9.0/24", Zone: region + "a",
	})).ID
	for _, c := range []struct {
		what, name string
		subnets    []string
		code       string
	}{
		{"one zone", "x", []string{n.subnets[0], sameZone}, "DBSubnetGroupDoesNotCoverEnoughAZs"},
		{"unknown subnet", "x", []string{n.subnets[0], "subnet-00000000000000000"}, "InvalidSubnet"},
		{"reserved name", "default", n.subnets[:], "InvalidParameterValue"},
		{"good, in lower case", "DBs", n.subnets[:], ""},
		{"taken", "dbs", n.subnets[:], "DBSubnetGroupAlreadyExists"},
	} {
		_, err := a.CreateDBSubnetGroup(a.ctx, c.name, "d", c.subnets, nil)
		a.refused(c.what, err, c.code)
	}
	for _, c := range []struct{ what, name, family, code string }{
		{"unknown family", "x", "mysql9.9", "InvalidParameterValue"},
		{"double hyphen", "a--b", "mysql8.4", "InvalidParameterValue"},
		{"leading digit", "1a", "mysql8.4", "InvalidParameterValue"},
		{"good", "params", "mysql8.4", ""},
		{"taken", "params", "mysql8.4", "DBParameterGroupAlreadyExists"},
	} {
		_, err := a.CreateDBParameterGroup(a.ctx, c.name, c.family, "d", nil)
		a.refused(c.what, err, c.code)
	}
	for _, c := range []struct{ name, value, code string }{
		{"max_connections", "100", ""},
		{"max_connections", "{DBInstanceClassMemory/12582880}", ""},
		{"max_connections", "0", "InvalidParameterValue"},
		{"slow_query_log", "2", "InvalidParameterValue"},
		{"port", "3307", "InvalidParameterValue"},
		{"no_such", "1", "InvalidParameterValue"},
	} {
		a.refused(c.name+"="+c.value, a.ModifyDBParameterGroup(a.ctx, "params", map[string]string{c.name: c.value}), c.code)
	}
}

func TestDBInstanceRules(t *testing.T) {
	a := newAccount(t, cloud.Options{})
	n := a.network()
	other := cloudtest.Must[cloud.VPC](t)(a.CreateVPC(a.ctx, cloud.CreateVPCInput{CIDRBlock: "10.9.0.0/16"}))
	cloudtest.Must[cloud.DBParameterGroup](t)(a.CreateDBParameterGroup(a.ctx, "old", "mysql8.0", "d", nil))
	create := func(what, code string, change func(*cloud.CreateDBInstanceInput)) {
		t.Helper()
		in := a.databaseInput(n)
		change(&in)
		_, err := a.CreateDBInstance(a.ctx, in)
		a.refused(what, err, code)
	}
	type input = cloud.CreateDBInstanceInput
	days := 36
	create("leading digit", "InvalidParameterValue", func(in *input) { in.Identifier = "1db" })
	create("double hyphen", "InvalidParameterValue", func(in *input) { in.Identifier = "a--b" })
	create("too long", "InvalidParameterValue", func(in *input) { in.Identifier = strings.Repeat("x", 64) })
	create("class", "InvalidParameterValue", func(in *input) { in.Class = "t3.micro" })
	create("engine", "InvalidParameterValue", func(in *input) { in.Engine = "sqlite" })
	create("version", "InvalidParameterCombination", func(in *input) { in.EngineVersion = "5.0" })
	create("too little storage", "InvalidParameterValue", func(in *input) { in.StorageGiB = 19 })
	create("database name", "InvalidParameterValue", func(in *input) { in.DBName = "user-management" })
	create("reserved user", "InvalidParameterValue", func(in *input) { in.MasterUsername = "rdsadmin" })
	create("two passwords", "InvalidParameterCombination", func(in *input) { in.MasterPassword = "12345678" })
	create("no password", "InvalidParameterValue", func(in *input) { in.ManageMasterPassword = false })
	create("Multi-AZ with a zone", "InvalidParameterCombination", func(in *input) { in.MultiAZ, in.Zone = true, region+"a" })
	create("backups", "InvalidParameterValue", func(in *input) { in.BackupRetentionDays = &days })
	create("subnet group", "DBSubnetGroupNotFoundFault", func(in *input) { in.SubnetGroup = "none" })
	create("parameter group", "DBParameterGroupNotFound", func(in *input) { in.ParameterGroup = "none" })
	create("parameter group of another version", "InvalidParameterCombination", func(in *input) { in.ParameterGroup = "old" })
	create("security group", "InvalidParameterValue", func(in *input) { in.Groups = []string{"sg-00000000000000000"} })
	create("security group of another VPC", "InvalidVPCNetworkStateFault",
		func(in *input) { in.Groups = []string{other.DefaultSecurityGroup} })
	create("good", "", func(*input) {})
	create("taken", "DBInstanceAlreadyExists", func(in *input) { in.Identifier = "DB" })
}

func (a *account) db() cloud.DBInstance {
	a.t.Helper()
	return cloudtest.Must[cloud.DBInstance](a.t)(a.DescribeDBInstance(a.ctx, "db"))
}

func TestDBInstanceLife(t *testing.T) {
	a := newAccount(t, cloud.Options{Latencies: cloud.AWS()})
	a.tick()
	n := a.network()
	in := a.databaseInput(n)
	in.DeletionProtection = true
	d := cloudtest.Must[cloud.DBInstance](t)(a.CreateDBInstance(a.ctx, in))
	if d.Status != "creating" || d.Endpoint != "" || d.Zone != "" || d.MasterSecretARN == "" || d.EngineVersion != "8.4.5" {
		t.Errorf("at first: %+v", d)
	}
	class, smaller, protection := "db.t3.small", 10, false
	_, err := a.ModifyDBInstance(a.ctx, "db", cloud.DBChange{Class: &class})
	a.refused("changing what is being created", err, "InvalidDBInstanceState")
	a.clock.Advance(4 * time.Minute)
	if d = a.db(); d.Status != "backing-up" || d.Endpoint == "" || d.MasterStatus != "active" {
		t.Errorf("after creation: %+v", d)
	}
	a.clock.Advance(2 * time.Minute)
	_, err = a.ModifyDBInstance(a.ctx, "db", cloud.DBChange{StorageGiB: &smaller})
	a.refused("less storage", err, "InvalidParameterCombination")
	cloudtest.Must[cloud.DBInstance](t)(a.ModifyDBInstance(a.ctx, "db", cloud.DBChange{Class: &class}))
	if d = a.db(); d.Status != "modifying" || d.Class != "db.t3.micro" || *d.Pending.Class != class {
		t.Errorf("while it changes: %+v", d)
	}
	a.clock.Advance(3 * time.Minute)
	if d = a.db(); d.Status != "available" || d.Class != class || d.Pending.Class != nil {
		t.Errorf("after the change: %+v", d)
	}
	final := cloud.DeleteDBInstanceInput{Identifier: "db", FinalSnapshot: "final"}
	a.refused("protected", a.DeleteDBInstance(a.ctx, final), "InvalidParameterCombination")
	cloudtest.Must[cloud.DBInstance](t)(a.ModifyDBInstance(a.ctx, "db", cloud.DBChange{DeletionProtection: &protection}))
	a.refused("no snapshot named", a.DeleteDBInstance(a.ctx, cloud.DeleteDBInstanceInput{Identifier: "db"}), "InvalidParameterCombination")
	a.check(a.DeleteDBInstance(a.ctx, final))
	a.refused("deleting again", a.DeleteDBInstance(a.ctx, final), "InvalidDBInstanceState")
	a.clock.Advance(10 * time.Minute)
	_, err = a.DescribeDBInstance(a.ctx, "db")
	a.refused("gone", err, "DBInstanceNotFound")
	if s := a.cloud.DBSnapshots(); len(s) != 1 || s[0].Status != "available" || s[0].InstanceIdentifier != "db" {
		t.Errorf("snapshots: %+v", s)
	}
	if _, ok := a.cloud.SecretValue(d.MasterSecretARN); ok {
		t.Error("the secret of a deleted database is gone")
	}
}

func TestMultiAZ(t *testing.T) {
	a := newAccount(t, cloud.Options{})
	n := a.network()
	in := a.databaseInput(n)
	in.MultiAZ = true
	cloudtest.Must[cloud.DBInstance](t)(a.CreateDBInstance(a.ctx, in))
	before := a.db()
	a.check(a.cloud.FailOver(region, "db"))
	if after := a.db(); after.Zone != before.SecondaryZone || after.SecondaryZone != before.Zone || before.Zone == before.SecondaryZone {
		t.Errorf("failover: %s/%s became %s/%s", before.Zone, before.SecondaryZone, after.Zone, after.SecondaryZone)
	}
}

func TestManagedSecretFollowsThePassword(t *testing.T) {
	a := newAccount(t, cloud.Options{})
	cloudtest.Must[cloud.DBInstance](t)(a.CreateDBInstance(a.ctx, a.databaseInput(a.network())))
	d := a.db()
	value, _ := a.cloud.SecretValue(d.MasterSecretARN)
	if !strings.Contains(value, d.Password()) || !strings.Contains(value, `"username":"ums"`) {
		t.Errorf("secret %q does not fit the database", value)
	}
	a.refused("RDS owns its secret", a.DeleteSecret(a.ctx, d.MasterSecretARN, 7), "InvalidRequestException")
	a.check(a.cloud.RotateMasterPassword(region, "db"))
	if again, _ := a.cloud.SecretValue(d.MasterSecretARN); again == value {
		t.Error("the password was not rotated")
	}
}
