package cloud

import (
	"context"
	"regexp"
	"slices"
	"strings"
)

// DBChange is a change of a database; nil leaves a value as it is. It is also how pending changes are shown.
type DBChange struct {
	Class, EngineVersion, StorageType, ParameterGroup *string
	MasterPassword, BackupWindow, Maintenance         *string
	InsightsMode, CACertificate                       *string
	StorageGiB, MaxStorageGiB, BackupRetentionDays    *int
	MultiAZ, DeletionProtection, PubliclyAccessible   *bool
	CopyTagsToSnapshot, AutoMinorVersionUpgrade       *bool
	IAMAuthentication, PerformanceInsights            *bool
	Groups                                            []string
	EnableLogs, DisableLogs                           []string
}

// slow reports whether the change takes the database through the status modifying.
func (ch DBChange) slow() bool {
	return ch.Class != nil || ch.EngineVersion != nil || ch.StorageGiB != nil || ch.StorageType != nil || ch.MultiAZ != nil ||
		ch.ParameterGroup != nil || ch.BackupRetentionDays != nil || ch.MasterPassword != nil || len(ch.EnableLogs) > 0 ||
		len(ch.DisableLogs) > 0 || len(ch.Groups) > 0 || ch.PerformanceInsights != nil || ch.InsightsMode != nil
}

// ModifyDBInstance changes an available database at once (ApplyImmediately). Slow parts are pending until it is available
// again. A change that changes nothing is accepted and does nothing.
func (c *Client) ModifyDBInstance(ctx context.Context, id string, ch DBChange) (DBInstance, error) {
	return call(ctx, c, "rds:ModifyDBInstance", func(t *tx) (DBInstance, error) {
		d, err := t.dbInstance(id)
		if err != nil {
			return DBInstance{}, err
		}
		if d.Status != "available" && d.Status != "storage-optimization" {
			return DBInstance{}, refuse("InvalidDBInstanceState", "Database instance is not in available state.")
		}
		if err := t.checkDBChange(d, &ch); err != nil {
			return DBInstance{}, err
		}
		t.applyQuick(d, ch)
		if ch.slow() {
			d.Status, d.Pending = "modifying", ch
			t.settle("rds:ModifyDBInstance", func(t *tx) { t.applySlow(d, ch) })
		}
		t.emit(KindDBInstance, Changed, d.Identifier, d.Meta)
		return *d, nil
	})
}

func (t *tx) checkDBChange(d *DBInstance, ch *DBChange) error {
	if ch.Class != nil && !dbClasses.MatchString(*ch.Class) {
		return refuse("InvalidParameterValue", "Invalid DB Instance class: %s", *ch.Class)
	}
	if err := d.checkGrowth(ch.StorageGiB); err != nil {
		return err
	}
	if ch.BackupRetentionDays != nil && (*ch.BackupRetentionDays < 0 || *ch.BackupRetentionDays > 35) {
		return refuse("InvalidParameterValue", "Invalid backup retention period: %d. Must be between 0 and 35.", *ch.BackupRetentionDays)
	}
	version := d.EngineVersion
	if ch.EngineVersion != nil {
		var err error
		if version, err = d.upgradeTo(*ch.EngineVersion); err != nil {
			return err
		}
		ch.EngineVersion = &version
	}
	if ch.ParameterGroup != nil {
		if _, _, err := t.dbParameters(*ch.ParameterGroup, d.Engine, version); err != nil {
			return err
		}
	}
	if len(ch.Groups) > 0 {
		if _, err := t.dbGroups(ch.Groups, d.VPCID); err != nil {
			return err
		}
	}
	return nil
}

func (d *DBInstance) checkGrowth(gib *int) error {
	if gib == nil {
		return nil
	}
	if *gib < d.StorageGiB {
		return refuse("InvalidParameterCombination", "Requested storage size (%d) cannot be less than the current storage size (%d).",
			*gib, d.StorageGiB)
	}
	return checkStorage(*gib, d.StorageType)
}

// upgradeTo is the whole version that a wanted one, which may leave out its end, stands for.
func (d *DBInstance) upgradeTo(wanted string) (string, error) {
	version, err := resolveVersion(d.Engine, wanted)
	if err != nil {
		return "", err
	}
	if versionBefore(version, d.EngineVersion) {
		return "", refuse("InvalidParameterCombination", "Cannot upgrade %s from %s to %s. Specify a DB engine version in the same or a "+
			"later release.", d.Engine, d.EngineVersion, version)
	}
	return version, nil
}

func versionBefore(a, b string) bool {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return len(x[i]) < len(y[i]) || len(x[i]) == len(y[i]) && x[i] < y[i]
		}
	}
	return false
}

// applyQuick makes the changes that RDS makes without leaving the status available.
func (t *tx) applyQuick(d *DBInstance, ch DBChange) {
	set(&d.DeletionProtection, ch.DeletionProtection)
	set(&d.PubliclyAccessible, ch.PubliclyAccessible)
	set(&d.CopyTagsToSnapshot, ch.CopyTagsToSnapshot)
	set(&d.AutoMinorVersionUpgrade, ch.AutoMinorVersionUpgrade)
	set(&d.IAMAuthentication, ch.IAMAuthentication)
	set(&d.BackupWindow, ch.BackupWindow)
	set(&d.Maintenance, ch.Maintenance)
	set(&d.MaxStorageGiB, ch.MaxStorageGiB)
	set(&d.CACertificate, ch.CACertificate)
}

func (t *tx) applySlow(d *DBInstance, ch DBChange) {
	if d.Status != "modifying" {
		return
	}
	failedOver := d.MultiAZ && (ch.Class != nil && *ch.Class != d.Class || ch.EngineVersion != nil)
	set(&d.Class, ch.Class)
	set(&d.EngineVersion, ch.EngineVersion)
	set(&d.StorageGiB, ch.StorageGiB)
	set(&d.StorageType, ch.StorageType)
	set(&d.ParameterGroup, ch.ParameterGroup)
	set(&d.BackupRetentionDays, ch.BackupRetentionDays)
	set(&d.password, ch.MasterPassword)
	set(&d.PerformanceInsights, ch.PerformanceInsights)
	set(&d.InsightsMode, ch.InsightsMode)
	if len(ch.Groups) > 0 {
		d.Groups = slices.Clone(ch.Groups)
		t.setGroups(KindDBInstance, d.Identifier, d.Groups)
	}
	if len(ch.EnableLogs)+len(ch.DisableLogs) > 0 {
		d.LogExports = changedList(d.LogExports, ch.EnableLogs, ch.DisableLogs)
	}
	if ch.MultiAZ != nil && *ch.MultiAZ != d.MultiAZ {
		d.MultiAZ = *ch.MultiAZ
		t.dropInterfaces(KindDBInstance, d.Identifier)
		t.placeDB(d)
	}
	if failedOver {
		d.Zone, d.SecondaryZone = d.SecondaryZone, d.Zone
	}
	d.Pending = DBChange{}
	t.dbAvailable(d, "modifying")
}

func changedList(list, add, remove []string) []string {
	var kept []string
	for _, item := range list {
		if !slices.Contains(remove, item) {
			kept = append(kept, item)
		}
	}
	for _, item := range add {
		if !slices.Contains(kept, item) {
			kept = append(kept, item)
		}
	}
	return kept
}

// DeleteDBInstanceInput is what DeleteDBInstance takes.
type DeleteDBInstanceInput struct {
	Identifier             string
	SkipFinalSnapshot      bool
	FinalSnapshot          string
	DeleteAutomatedBackups bool
}

var snapshotNames = regexp.MustCompile(`^[a-zA-Z]([a-zA-Z0-9-]{0,253}[a-zA-Z0-9])?$`)

// DeleteDBInstance starts the deletion of a database, with a final snapshot unless that is skipped.
func (c *Client) DeleteDBInstance(ctx context.Context, in DeleteDBInstanceInput) error {
	return do(ctx, c, "rds:DeleteDBInstance", func(t *tx) error {
		d, err := t.dbInstance(in.Identifier)
		if err != nil {
			return err
		}
		if err := t.checkDBDelete(d, in); err != nil {
			return err
		}
		d.Status = "deleting"
		t.emit(KindDBInstance, Changed, d.Identifier, d.Meta)
		if in.SkipFinalSnapshot {
			t.settle("rds:DeleteDBInstance", func(t *tx) { t.dropDB(d) })
			return nil
		}
		snapshot := &DBSnapshot{
			Meta: t.meta(nil), Identifier: in.FinalSnapshot, ARN: t.arn("rds", "snapshot:"+in.FinalSnapshot),
			InstanceIdentifier: d.Identifier, Status: "creating", Engine: d.Engine, StorageGiB: d.StorageGiB,
		}
		snapshot.Owner = Owner{}
		if d.CopyTagsToSnapshot {
			snapshot.Tags = d.Tags
		}
		t.db.snapshots[regional(d.Region, snapshot.Identifier)] = snapshot
		t.emit(KindDBSnapshot, Created, snapshot.Identifier, snapshot.Meta)
		t.settle(OpFinalSnapshot, func(t *tx) {
			snapshot.Status = "available"
			t.emit(KindDBSnapshot, Changed, snapshot.Identifier, snapshot.Meta)
			t.settle("rds:DeleteDBInstance", func(t *tx) { t.dropDB(d) })
		})
		return nil
	})
}

func (t *tx) checkDBDelete(d *DBInstance, in DeleteDBInstanceInput) error {
	switch {
	case d.Status == "deleting":
		return refuse("InvalidDBInstanceState", "Instance %s is already being deleted.", d.Identifier)
	case d.DeletionProtection:
		return refuse("InvalidParameterCombination", "Cannot delete protected DB Instance, please disable deletion protection and try again.")
	case !in.SkipFinalSnapshot && in.FinalSnapshot == "":
		return refuse("InvalidParameterCombination", "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.")
	case in.SkipFinalSnapshot && in.FinalSnapshot != "":
		return refuse("InvalidParameterCombination", "FinalDBSnapshotIdentifier can not be specified when deleting an instance with "+
			"SkipFinalSnapshot")
	case in.SkipFinalSnapshot:
		return nil
	case !snapshotNames.MatchString(in.FinalSnapshot) || strings.Contains(in.FinalSnapshot, "--"):
		return refuse("InvalidParameterValue", "The parameter FinalDBSnapshotIdentifier is not a valid identifier.")
	case t.db.snapshots[regional(d.Region, in.FinalSnapshot)] != nil:
		return refuse("DBSnapshotAlreadyExists", "Cannot create the snapshot because a snapshot with the identifier %s already exists.",
			in.FinalSnapshot)
	case d.Status == "creating":
		return refuse("InvalidDBInstanceState", "Instance %s is currently creating - a final snapshot cannot be taken.", d.Identifier)
	}
	return nil
}

func (t *tx) dropDB(d *DBInstance) {
	key := regional(d.Region, d.Identifier)
	if t.db.dbInstances[key] != d {
		return
	}
	t.dropInterfaces(KindDBInstance, d.Identifier)
	if s := t.db.secrets[d.MasterSecretARN]; s != nil {
		delete(t.db.secrets, s.ARN)
		t.emit(KindSecret, Deleted, s.ARN, s.Meta)
	}
	delete(t.db.dbInstances, key)
	t.emit(KindDBInstance, Deleted, d.Identifier, d.Meta)
}

// PendingReboot reports whether the database has not yet started with the static parameters of its group.
func (c *Cloud) PendingReboot(region, identifier string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.db.dbInstances[regional(region, identifier)]
	if d == nil {
		return false
	}
	g := c.db.parameterGroups[regional(region, d.ParameterGroup)]
	return g != nil && g.staticChanges != d.startedWith
}
