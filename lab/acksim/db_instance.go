package acksim

import (
	"context"
	"slices"
	"strings"

	"usermanagement.dev/stack/lab/cloud"
)

// Annotations that the rds controller reads when a DBInstance is deleted.
const (
	annotationSkipSnapshot  = "rds.services.k8s.aws/skip-final-snapshot"
	annotationSnapshotName  = "rds.services.k8s.aws/final-db-snapshot-identifier"
	annotationDeleteBackups = "rds.services.k8s.aws/delete-automated-backups"
)

// dbInstanceKind is rds DBInstance, known by its identifier. It is synced while it is available and is changed only then.
// ACK stores the availability zone that AWS chose; after a failover the two differ, which ACK cannot mend: it modifies
// nothing every 30 s and never is synced again.
func dbInstanceKind() *kind {
	return &kind{
		name: "DBInstance", service: "rds",
		terminal: []string{"InvalidParameter", "InvalidParameterValue", "InvalidParameterCombination"},
		gone:     []string{"DBInstanceNotFound"},
		references: []reference{
			{from: "dbSubnetGroupRef", into: "dbSubnetGroupName", kind: "DBSubnetGroup", value: "spec.name"},
			{from: "dbParameterGroupRef", into: "dbParameterGroupName", kind: "DBParameterGroup", value: "spec.name"},
			{from: "vpcSecurityGroupRefs[]", into: "vpcSecurityGroupIDs", kind: "SecurityGroup", value: "status.id"},
		},
		compared: append(comparing(ifSet,
			"allocatedStorage", "autoMinorVersionUpgrade", "availabilityZone", "backupRetentionPeriod", "caCertificateIdentifier",
			"copyTagsToSnapshot", "dbInstanceClass", "dbName", "dbParameterGroupName", "dbSubnetGroupName", "deletionProtection",
			"enableIAMDatabaseAuthentication", "kmsKeyID", "masterUsername", "maxAllocatedStorage", "monitoringInterval", "multiAZ",
			"performanceInsightsEnabled", "port", "preferredBackupWindow", "publiclyAccessible", "storageEncrypted", "storageType",
		),
			comparison{"databaseInsightsMode", nil}, comparison{"engineVersion", differentVersion},
			comparison{"preferredMaintenanceWindow", differentWindow}, comparison{"enableCloudwatchLogsExports", asSet},
			comparison{"vpcSecurityGroupIDs", ifSetAsSet}, tagged()),
		late: late("allocatedStorage", "autoMinorVersionUpgrade", "availabilityZone", "backupRetentionPeriod", "backupTarget",
			"caCertificateIdentifier", "copyTagsToSnapshot", "dbName", "databaseInsightsMode", "deletionProtection", "engineVersion",
			"kmsKeyID", "licenseModel", "masterUsername", "monitoringInterval", "multiAZ", "networkType",
			"performanceInsightsEnabled", "preferredBackupWindow", "preferredMaintenanceWindow", "promotionTier",
			"publiclyAccessible", "storageEncrypted", "storageType"),
		read: readDBInstance, create: createDBInstance, update: updateDBInstance, remove: removeDBInstance,
	}
}

// differentVersion lets a prefix stand for any version that begins with it.
func differentVersion(a, b any) bool {
	want, _ := a.(string)
	have, _ := b.(string)
	return want != "" && want != have && !strings.HasPrefix(have, want+".")
}

func differentWindow(a, b any) bool {
	want, _ := a.(string)
	have, _ := b.(string)
	return want != "" && !strings.EqualFold(want, have)
}

func readDBInstance(ctx context.Context, p *pass, desired *object) (*object, error) {
	d, err := p.aws.DescribeDBInstance(ctx, text(desired.spec(), "dbInstanceIdentifier"))
	if err != nil {
		return nil, err
	}
	latest := desired.copy()
	p.showDBInstance(latest, d)
	if d.Status != "available" {
		latest.setCondition(p.now, condSynced, statusFalse, "", "")
	}
	return latest, nil
}

func createDBInstance(ctx context.Context, p *pass, desired *object) (*object, error) {
	spec := desired.spec()
	password, err := p.secretValue(ctx, desired, "masterUserPassword")
	if err != nil {
		return nil, err
	}
	d, err := p.aws.CreateDBInstance(ctx, cloud.CreateDBInstanceInput{
		Identifier: text(spec, "dbInstanceIdentifier"), Class: text(spec, "dbInstanceClass"), Engine: text(spec, "engine"),
		EngineVersion: text(spec, "engineVersion"), StorageGiB: number(spec, "allocatedStorage"),
		MaxStorageGiB: number(spec, "maxAllocatedStorage"), StorageType: text(spec, "storageType"),
		StorageEncrypted: truth(spec, "storageEncrypted"), KMSKeyID: text(spec, "kmsKeyID"), DBName: text(spec, "dbName"),
		MasterUsername: text(spec, "masterUsername"), MasterPassword: password,
		ManageMasterPassword: truth(spec, "manageMasterUserPassword"), MultiAZ: truth(spec, "multiAZ"),
		Zone: text(spec, "availabilityZone"), SubnetGroup: text(spec, "dbSubnetGroupName"),
		ParameterGroup: text(spec, "dbParameterGroupName"), Groups: texts(spec, "vpcSecurityGroupIDs"), Port: number(spec, "port"),
		BackupRetentionDays: numberPtr(spec, "backupRetentionPeriod"), BackupWindow: text(spec, "preferredBackupWindow"),
		Maintenance: text(spec, "preferredMaintenanceWindow"), DeletionProtection: truth(spec, "deletionProtection"),
		PubliclyAccessible: truth(spec, "publiclyAccessible"), CopyTagsToSnapshot: truth(spec, "copyTagsToSnapshot"),
		IAMAuthentication:       truth(spec, "enableIAMDatabaseAuthentication"),
		AutoMinorVersionUpgrade: truthPtr(spec, "autoMinorVersionUpgrade"),
		PerformanceInsights:     truthPtr(spec, "performanceInsightsEnabled"), InsightsMode: text(spec, "databaseInsightsMode"),
		LogExports: texts(spec, "enableCloudwatchLogsExports"), MonitoringSeconds: number(spec, "monitoringInterval"),
		Tags: p.createTags(desired),
	})
	if err != nil {
		return nil, err
	}
	created := desired.copy()
	created.setStatus(p.shownDBInstance(desired, d))
	if d.Status == "creating" {
		created.setCondition(p.now, condSynced, statusFalse, "", "")
	}
	return created, nil
}

// deadStatuses are those that the controller takes for the end of a database, but only if there is something to change.
var deadStatuses = []string{
	"deleted", "failed", "incompatible-network", "incompatible-restore", "inaccessible-encryption-credentials",
	"inaccessible-encryption-credentials-recoverable",
}

func updateDBInstance(ctx context.Context, p *pass, desired, latest *object, changed delta) (*object, error) {
	updated := desired.copy()
	updated.setStatus(latest)
	status := text(latest.status(), "dbInstanceStatus")
	wait := func(message string) (*object, error) {
		updated.setCondition(p.now, condSynced, statusFalse, message, "")
		return updated, waitFor(p.opts.Pace.poll(notSyncedWait), "DB Instance in '"+status+"' state, cannot be modified until 'available'.")
	}
	switch {
	case status == "deleting":
		return wait("DB instance is currently being deleted")
	case status == "creating":
		return wait("DB instance is currently being created")
	case slices.Contains(deadStatuses, status):
		updated.setTimeless(condTerminal, statusTrue, "DB instance is in '"+status+"' status")
		updated.setCondition(p.now, condSynced, statusTrue, "", "")
		return updated, nil
	case status != "available":
		return wait("DB instance cannot be modifed while in '" + status + "' status")
	}
	id := text(desired.spec(), "dbInstanceIdentifier")
	if changed.has("tags") {
		if err := p.syncTags(ctx, id, desired, latest); err != nil {
			return nil, err
		}
	}
	if !changed.beyond("tags") {
		return updated, nil
	}
	if _, err := p.aws.ModifyDBInstance(ctx, id, dbChange(desired.spec(), latest.spec(), changed)); err != nil {
		return nil, err
	}
	updated.setCondition(p.now, condSynced, statusFalse, "", "")
	return updated, nil
}

// dbChange says what ModifyDBInstance is asked for. What it cannot change is left out: the call then changes nothing.
func dbChange(spec, actual tree, changed delta) cloud.DBChange {
	ch := cloud.DBChange{}
	for field, take := range map[string]func(){
		"dbInstanceClass":                 func() { ch.Class = textPtr(spec, "dbInstanceClass") },
		"engineVersion":                   func() { ch.EngineVersion = textPtr(spec, "engineVersion") },
		"storageType":                     func() { ch.StorageType = textPtr(spec, "storageType") },
		"dbParameterGroupName":            func() { ch.ParameterGroup = textPtr(spec, "dbParameterGroupName") },
		"preferredBackupWindow":           func() { ch.BackupWindow = textPtr(spec, "preferredBackupWindow") },
		"preferredMaintenanceWindow":      func() { ch.Maintenance = textPtr(spec, "preferredMaintenanceWindow") },
		"databaseInsightsMode":            func() { ch.InsightsMode = textPtr(spec, "databaseInsightsMode") },
		"caCertificateIdentifier":         func() { ch.CACertificate = textPtr(spec, "caCertificateIdentifier") },
		"allocatedStorage":                func() { ch.StorageGiB = numberPtr(spec, "allocatedStorage") },
		"maxAllocatedStorage":             func() { ch.MaxStorageGiB = numberPtr(spec, "maxAllocatedStorage") },
		"backupRetentionPeriod":           func() { ch.BackupRetentionDays = numberPtr(spec, "backupRetentionPeriod") },
		"multiAZ":                         func() { ch.MultiAZ = truthPtr(spec, "multiAZ") },
		"deletionProtection":              func() { ch.DeletionProtection = truthPtr(spec, "deletionProtection") },
		"publiclyAccessible":              func() { ch.PubliclyAccessible = truthPtr(spec, "publiclyAccessible") },
		"copyTagsToSnapshot":              func() { ch.CopyTagsToSnapshot = truthPtr(spec, "copyTagsToSnapshot") },
		"autoMinorVersionUpgrade":         func() { ch.AutoMinorVersionUpgrade = truthPtr(spec, "autoMinorVersionUpgrade") },
		"enableIAMDatabaseAuthentication": func() { ch.IAMAuthentication = truthPtr(spec, "enableIAMDatabaseAuthentication") },
		"performanceInsightsEnabled":      func() { ch.PerformanceInsights = truthPtr(spec, "performanceInsightsEnabled") },
		"vpcSecurityGroupIDs":             func() { ch.Groups = texts(spec, "vpcSecurityGroupIDs") },
		"enableCloudwatchLogsExports": func() {
			want, have := texts(spec, "enableCloudwatchLogsExports"), texts(actual, "enableCloudwatchLogsExports")
			ch.EnableLogs, ch.DisableLogs = missing(want, have), missing(have, want)
		},
	} {
		if changed.has(field) {
			take()
		}
	}
	return ch
}

func removeDBInstance(ctx context.Context, p *pass, latest *object) error {
	if text(latest.status(), "dbInstanceStatus") == "deleting" {
		return waitFor(p.opts.Pace.poll(notSyncedWait), "DB Instance in 'deleting' state, cannot be modified or deleted.")
	}
	in := cloud.DeleteDBInstanceInput{Identifier: text(latest.spec(), "dbInstanceIdentifier"), SkipFinalSnapshot: true}
	if skip, ok := latest.annotation(annotationSkipSnapshot); ok {
		in.SkipFinalSnapshot = strings.EqualFold(skip, "true")
	}
	if !in.SkipFinalSnapshot {
		in.FinalSnapshot, _ = latest.annotation(annotationSnapshotName)
	}
	if backups, ok := latest.annotation(annotationDeleteBackups); ok {
		in.DeleteAutomatedBackups = strings.EqualFold(backups, "true")
	}
	return p.aws.DeleteDBInstance(ctx, in)
}
