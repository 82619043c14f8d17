package build

import (
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
	"usermanagement.dev/stack/internal/ack/rds"
	"usermanagement.dev/stack/internal/graph"
)

// What the database and its first user are called in every stack.
const (
	databaseName   = "usermanagement"
	masterUsername = "umsadmin"
)

// requireTLS is the parameter that refuses connections without TLS.
const requireTLS = "require_secure_transport"

// database adds the RDS instance with its subnet group and parameter group.
func (a *assembly) database() {
	a.databaseSubnets()
	a.databaseParameters()
	a.databaseInstance()
}

func (a *assembly) databaseSubnets() {
	n := a.Node(NodeDatabaseSubnets, v1.ComponentData)
	ids := make([]string, 0, len(a.zones))
	for _, z := range a.zones {
		ids = append(ids, n.Value(SubnetNode(tierDatabase, z.name), ack.OutputID))
	}
	slices.Sort(ids)
	a.set(n, ack.DBSubnetGroup, &rds.DBSubnetGroup{Spec: rds.DBSubnetGroupSpec{
		Name:        a.awsName(n.ID(), maxGroupName),
		Description: "Database subnets of stack " + a.stack.Name,
		SubnetIDs:   ids,
		Tags:        a.rdsTags(n),
	}})
}

func (a *assembly) databaseParameters() {
	db := &a.spec.Database
	n := a.Node(DatabaseParametersNode(a.stack), v1.ComponentData)
	// MariaDB's own default is latin1 up to 11.4. The collation follows from the character set.
	parameters := map[string]string{"character_set_server": "utf8mb4"}
	maps.Copy(parameters, db.Parameters)
	parameters[requireTLS] = "1"
	a.set(n, ack.DBParameterGroup, &rds.DBParameterGroup{Spec: rds.DBParameterGroupSpec{
		Name:               a.awsName(n.ID(), maxGroupName),
		Description:        "Database parameters of stack " + a.stack.Name,
		Family:             family(db),
		ParameterOverrides: parameters,
		Tags:               a.rdsTags(n),
	}})
}

func (a *assembly) databaseInstance() {
	db := &a.spec.Database
	n := a.Node(NodeDatabase, v1.ComponentData)
	// By name alone the instance could be asked for before the groups are there, and static parameters would miss its
	// first start.
	n.After(NodeDatabaseSubnets)
	n.After(DatabaseParametersNode(a.stack))
	object := &rds.DBInstance{
		ObjectMeta: metav1.ObjectMeta{Annotations: a.deletionOfDatabase()},
		Spec: rds.DBInstanceSpec{
			DBInstanceIdentifier:     a.awsName(n.ID(), maxDatabaseName),
			DBInstanceClass:          db.InstanceClass,
			Engine:                   string(db.Engine),
			EngineVersion:            majorMinor(db.Version),
			DBName:                   databaseName,
			MasterUsername:           masterUsername,
			ManageMasterUserPassword: true,
			AllocatedStorage:         int64(db.StorageGiB),
			StorageType:              "gp3",
			StorageEncrypted:         true,
			MultiAZ:                  db.MultiAZ,
			DBSubnetGroupName:        a.awsName(NodeDatabaseSubnets, maxGroupName),
			DBParameterGroupName:     a.awsName(DatabaseParametersNode(a.stack), maxGroupName),
			VPCSecurityGroupIDs:      []string{n.Value(NodeDatabaseGroup, ack.OutputID)},
			BackupRetentionPeriod:    backupDays(db),
			DeletionProtection:       db.DeletionProtection,
			CopyTagsToSnapshot:       true,
			AutoMinorVersionUpgrade:  true,
			DatabaseInsightsMode:     "standard",
			Tags:                     a.rdsTags(n),
		},
	}
	a.set(n, ack.DBInstance, object)
}

// deletionOfDatabase are the annotations that ACK reads when the database's object goes, whoever deletes it and in
// whatever order. They are there from the start, so that only the policy Delete ever loses data.
func (a *assembly) deletionOfDatabase() map[string]string {
	if a.spec.DeletionPolicy == v1.DeletionPolicyDelete {
		return map[string]string{
			ack.AnnotationSkipFinalSnapshot:      "true",
			ack.AnnotationDeleteAutomatedBackups: "true",
		}
	}
	return map[string]string{
		ack.AnnotationSkipFinalSnapshot:       "false",
		ack.AnnotationFinalSnapshotIdentifier: FinalSnapshotName(a.stack),
		ack.AnnotationDeleteAutomatedBackups:  "true", // the final snapshot is what remains
	}
}

// FinalSnapshotName is the RDS snapshot that remains of a stack with the deletion policy Snapshot.
func FinalSnapshotName(stack *v1.UserManagementStack) string {
	a := assembly{stack: stack}
	return a.awsName(NodeDatabase+"-final", maxGroupName)
}

// family is the database's parameter group family. Example: mysql8.4
func family(db *v1.DatabaseSpec) string { return string(db.Engine) + majorMinor(db.Version) }

// majorMinor is a version without its patch release, which RDS picks and moves by itself.
func majorMinor(version string) string {
	parts := strings.SplitN(version, ".", 3)
	return strings.Join(parts[:min(len(parts), 2)], ".")
}

func backupDays(db *v1.DatabaseSpec) int64 {
	if db.BackupRetentionDays == nil {
		return 7
	}
	return int64(*db.BackupRetentionDays)
}

func (a *assembly) rdsTags(n *graph.NodeBuilder) []rds.Tag {
	return tagList(a, n.ID(), func(key, value string) rds.Tag { return rds.Tag{Key: key, Value: value} })
}
