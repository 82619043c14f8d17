package cloud

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// DBInstance is a database server. Its identifier is unique in the region.
type DBInstance struct {
	Meta
	Identifier, ARN, ResourceID   string
	Class, Engine, EngineVersion  string
	Status                        string // creating, backing-up, available, modifying, deleting, failed, …
	StorageGiB, MaxStorageGiB     int
	StorageType                   string
	StorageEncrypted              bool
	KMSKeyID, CACertificate       string
	DBName, MasterUsername        string
	MasterSecretARN, MasterStatus string
	MultiAZ                       bool
	Zone, SecondaryZone           string // empty until the instance exists
	SubnetGroup, VPCID            string
	ParameterGroup                string
	Groups                        []string
	Port                          int
	Endpoint, EndpointZoneID      string // empty until the instance exists
	BackupRetentionDays           int
	BackupWindow, Maintenance     string
	DeletionProtection            bool
	PubliclyAccessible            bool
	CopyTagsToSnapshot            bool
	AutoMinorVersionUpgrade       bool
	IAMAuthentication             bool
	PerformanceInsights           bool
	InsightsMode, LicenseModel    string
	LogExports                    []string
	MonitoringSeconds             int
	NetworkType, BackupTarget     string
	Pending                       DBChange
	CreateTime                    time.Time
	password                      string
	startedWith                   int // static changes of the parameter group at the last start
}

func (d *DBInstance) object() Object { return Object{ID: d.Identifier, State: d.Status} }

// Password is the master password: what a client of the database needs. RDS never shows it.
func (d *DBInstance) Password() string { return d.password }

// DBSnapshot is what is left of a database.
type DBSnapshot struct {
	Meta
	Identifier, ARN, InstanceIdentifier, Status, Engine string
	StorageGiB                                          int
}

func (s *DBSnapshot) object() Object { return Object{ID: s.Identifier, State: s.Status} }

// CreateDBInstanceInput is what CreateDBInstance takes.
type CreateDBInstanceInput struct {
	Identifier, Class, Engine, EngineVersion     string
	StorageGiB, MaxStorageGiB                    int
	StorageType                                  string
	StorageEncrypted                             bool
	KMSKeyID                                     string
	DBName, MasterUsername, MasterPassword       string
	ManageMasterPassword                         bool
	MultiAZ                                      bool
	Zone, SubnetGroup, ParameterGroup            string
	Groups                                       []string
	Port                                         int
	BackupRetentionDays                          *int
	BackupWindow, Maintenance                    string
	DeletionProtection, PubliclyAccessible       bool
	CopyTagsToSnapshot, IAMAuthentication        bool
	AutoMinorVersionUpgrade, PerformanceInsights *bool
	InsightsMode                                 string
	LogExports                                   []string
	MonitoringSeconds                            int
	Tags                                         Tags
}

var (
	dbIdentifiers = regexp.MustCompile(`^[a-zA-Z]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$`)
	dbClasses     = regexp.MustCompile(`^db\.[a-z0-9]+\.[a-z0-9]+$`)
	mysqlNames    = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9]{0,63}$`)
	masterNames   = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]{0,15}$`)
	reservedNames = []string{"rdsadmin", "root", "mysql", "sys", "rdsrepladmin"}
)

// CreateDBInstance starts a database; it is usable when its status is available.
func (c *Client) CreateDBInstance(ctx context.Context, in CreateDBInstanceInput) (DBInstance, error) {
	return call(ctx, c, "rds:CreateDBInstance", func(t *tx) (DBInstance, error) {
		in.Identifier = strings.ToLower(in.Identifier)
		d, err := t.newDBInstance(in)
		if err != nil {
			return DBInstance{}, err
		}
		t.db.dbInstances[regional(d.Region, d.Identifier)] = d
		t.emit(KindDBInstance, Created, d.Identifier, d.Meta)
		failure := t.late
		t.settle("rds:CreateDBInstance", func(t *tx) { t.dbCreated(d, failure) })
		return *d, nil
	})
}

func (t *tx) newDBInstance(in CreateDBInstanceInput) (*DBInstance, error) {
	if err := checkDBInput(in); err != nil {
		return nil, err
	}
	if _, ok := t.db.dbInstances[regional(t.caller.Region, in.Identifier)]; ok {
		return nil, refuse("DBInstanceAlreadyExists", "DB instance already exists")
	}
	version, err := resolveVersion(in.Engine, in.EngineVersion)
	if err != nil {
		return nil, err
	}
	group, err := t.dbSubnetGroup(in.SubnetGroup)
	if err != nil {
		return nil, err
	}
	groups, err := t.dbGroups(in.Groups, group.VPCID)
	if err != nil {
		return nil, err
	}
	parameters, started, err := t.dbParameters(in.ParameterGroup, in.Engine, version)
	if err != nil {
		return nil, err
	}
	d := &DBInstance{
		Meta: t.meta(in.Tags), Identifier: in.Identifier, ARN: t.arn("rds", "db:"+in.Identifier),
		ResourceID: "db-" + t.pick(upperDigits, 26), Class: in.Class, Engine: in.Engine, EngineVersion: version,
		Status: "creating", StorageGiB: in.StorageGiB, MaxStorageGiB: in.MaxStorageGiB,
		StorageType: orDefault(in.StorageType, "gp2"), StorageEncrypted: in.StorageEncrypted,
		CACertificate: "rds-ca-rsa2048-g1", DBName: in.DBName, MasterUsername: in.MasterUsername, MultiAZ: in.MultiAZ,
		Zone: in.Zone, SubnetGroup: group.Name, VPCID: group.VPCID, ParameterGroup: parameters, Groups: groups, Port: in.Port,
		BackupRetentionDays: 1, BackupWindow: orDefault(in.BackupWindow, "06:10-06:40"),
		Maintenance: orDefault(in.Maintenance, "sun:09:30-sun:10:00"), DeletionProtection: in.DeletionProtection,
		PubliclyAccessible: in.PubliclyAccessible, CopyTagsToSnapshot: in.CopyTagsToSnapshot, AutoMinorVersionUpgrade: true,
		IAMAuthentication: in.IAMAuthentication, InsightsMode: orDefault(in.InsightsMode, "standard"),
		LicenseModel: "general-public-license", LogExports: slices.Clone(in.LogExports), NetworkType: "IPV4",
		MonitoringSeconds: in.MonitoringSeconds, BackupTarget: "region", startedWith: started,
	}
	t.finishDB(d, in)
	return d, nil
}

// finishDB sets what has a default that depends on something else, and makes the master password.
func (t *tx) finishDB(d *DBInstance, in CreateDBInstanceInput) {
	if d.Port == 0 {
		d.Port = 3306
	}
	set(&d.BackupRetentionDays, in.BackupRetentionDays)
	set(&d.AutoMinorVersionUpgrade, in.AutoMinorVersionUpgrade)
	set(&d.PerformanceInsights, in.PerformanceInsights)
	if d.StorageEncrypted {
		d.KMSKeyID = orDefault(in.KMSKeyID, t.arn("kms", "key/"+t.uuid()))
	}
	d.password = in.MasterPassword
	if !in.ManageMasterPassword {
		return
	}
	d.password = t.pick(alphaNumeric, 28)
	secret := t.addSecret(CreateSecretInput{
		Name:        "rds!" + strings.ToLower(d.ResourceID[:3]) + t.uuid(),
		Description: "The secret associated with the primary RDS DB instance: " + d.ARN,
		KMSKeyID:    t.arn("kms", "key/"+t.uuid()),
		Value:       fmt.Sprintf(`{"username":%q,"password":%q}`, d.MasterUsername, d.password),
		Tags:        Tags{"aws:rds:primaryDBInstanceArn": d.ARN, "aws:secretsmanager:owningService": "rds"},
	}, "rds")
	d.MasterSecretARN, d.MasterStatus = secret.ARN, "creating"
}

func checkDBInput(in CreateDBInstanceInput) error { //nolint:gocyclo // a list of independent rules
	switch {
	case !dbIdentifiers.MatchString(in.Identifier) || strings.Contains(in.Identifier, "--"):
		return refuse("InvalidParameterValue", "The parameter DBInstanceIdentifier is not a valid identifier. Identifiers must begin "+
			"with a letter; must contain only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two "+
			"consecutive hyphens.")
	case !dbClasses.MatchString(in.Class):
		return refuse("InvalidParameterValue", "Invalid DB Instance class: %s", in.Class)
	case in.DBName != "" && !mysqlNames.MatchString(in.DBName):
		return refuse("InvalidParameterValue", "DBName must begin with a letter and contain only alphanumeric characters.")
	case !masterNames.MatchString(in.MasterUsername):
		return refuse("InvalidParameterValue", "The parameter MasterUsername must be provided, begin with a letter and have 1 to 16 "+
			"alphanumeric characters.")
	case slices.Contains(reservedNames, strings.ToLower(in.MasterUsername)):
		return refuse("InvalidParameterValue", "MasterUsername %s cannot be used as it is a reserved word used by the engine", in.MasterUsername)
	case in.ManageMasterPassword && in.MasterPassword != "":
		return refuse("InvalidParameterCombination", "You can't specify MasterUserPassword when ManageMasterUserPassword is true")
	case !in.ManageMasterPassword && (len(in.MasterPassword) < 8 || len(in.MasterPassword) > 41):
		return refuse("InvalidParameterValue", "The parameter MasterUserPassword is not a valid password because it is shorter than 8 "+
			"or longer than 41 characters.")
	case in.MultiAZ && in.Zone != "":
		return refuse("InvalidParameterCombination", "Requesting a specific availability zone is not valid for Multi-AZ instances.")
	case in.MaxStorageGiB != 0 && in.MaxStorageGiB < in.StorageGiB*11/10:
		return refuse("InvalidParameterCombination", "Max storage size must be at least 10%% greater than the storage size of %d GiB",
			in.StorageGiB)
	case in.BackupRetentionDays != nil && (*in.BackupRetentionDays < 0 || *in.BackupRetentionDays > 35):
		return refuse("InvalidParameterValue", "Invalid backup retention period: %d. Must be between 0 and 35.", *in.BackupRetentionDays)
	}
	if err := checkStorage(in.StorageGiB, in.StorageType); err != nil {
		return err
	}
	for _, export := range in.LogExports {
		if err := oneOf("EnableCloudwatchLogsExports", export, "audit", "error", "general", "slowquery", "iam-db-auth-error"); err != nil {
			return err
		}
	}
	return checkTags(in.Tags)
}

// dbGroups checks the security groups of a database; without any it gets the VPC's default group.
func (t *tx) dbGroups(ids []string, vpcID string) ([]string, error) {
	if len(ids) == 0 {
		return []string{t.db.vpcs[vpcID].DefaultSecurityGroup}, nil
	}
	for _, id := range ids {
		g, err := t.securityGroup(id)
		if err != nil {
			return nil, refuse("InvalidParameterValue", "Invalid security group , groupId= %s, groupName=.", id)
		}
		if g.VPCID != vpcID {
			return nil, refuse("InvalidVPCNetworkStateFault", "The DB instance and EC2 security group are in different VPCs. The DB "+
				"instance is in %s and the EC2 security group is in %s", vpcID, g.VPCID)
		}
	}
	return slices.Clone(ids), nil
}

func (t *tx) dbParameters(name, engine, version string) (group string, started int, err error) {
	family := familyOf(engine, version)
	if name == "" {
		return "default." + family, 0, nil
	}
	g, err := t.parameterGroup(name)
	if err != nil {
		return "", 0, err
	}
	if g.Family != family {
		return "", 0, refuse("InvalidParameterCombination", "The parameter group %s with DBParameterGroupFamily %s can't be used for "+
			"this instance. Use a parameter group with DBParameterGroupFamily %s.", g.Name, g.Family, family)
	}
	return g.Name, g.staticChanges, nil
}

// dbCreated is the moment when the server exists: it gets zones, network interfaces and an endpoint.
func (t *tx) dbCreated(d *DBInstance, failure *APIError) {
	if d.Status != "creating" {
		return
	}
	if failure != nil {
		d.Status = "failed"
		if failure.Code != "" {
			d.Status = failure.Code
		}
		t.emit(KindDBInstance, Changed, d.Identifier, d.Meta)
		return
	}
	t.placeDB(d)
	d.CreateTime = t.now
	d.Endpoint = d.Identifier + ".c" + t.pick(lowerLetters, 11) + "." + d.Region + ".rds.amazonaws.com"
	d.EndpointZoneID = "Z2XHWR1WZ565X2"
	if d.MasterSecretARN != "" {
		d.MasterStatus = "active"
	}
	d.Status = "available"
	if d.BackupRetentionDays > 0 {
		d.Status = "backing-up"
	}
	t.emit(KindDBInstance, Changed, d.Identifier, d.Meta)
	if d.Status == "backing-up" {
		t.settle(OpBackup, func(t *tx) { t.dbAvailable(d, "backing-up") })
	}
}

// placeDB gives the server its zone, and a standby if it is Multi-AZ.
func (t *tx) placeDB(d *DBInstance) {
	group := t.db.subnetGroups[regional(d.Region, d.SubnetGroup)]
	var candidates []*Subnet
	for _, id := range group.SubnetIDs {
		s := t.db.subnets[id]
		if s == nil || slices.ContainsFunc(candidates, func(c *Subnet) bool { return c.Zone == s.Zone }) {
			continue
		}
		candidates = append(candidates, s)
	}
	slices.SortStableFunc(candidates, func(a, b *Subnet) int { return boolOrder(b.Zone == d.Zone, a.Zone == d.Zone) })
	for i, s := range candidates {
		if i == 0 || i == 1 && d.MultiAZ {
			eni := t.addInterface(s, d.Groups, KindDBInstance, d.Identifier)
			eni.Owner = d.Owner
		}
	}
	if len(candidates) > 0 {
		d.Zone = candidates[0].Zone
	}
	d.SecondaryZone = ""
	if d.MultiAZ && len(candidates) > 1 {
		d.SecondaryZone = candidates[1].Zone
	}
}

func boolOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	default:
		return -1
	}
}

func (t *tx) dbAvailable(d *DBInstance, from string) {
	if d.Status == from {
		d.Status = "available"
		t.emit(KindDBInstance, Changed, d.Identifier, d.Meta)
	}
}

func (t *tx) dbInstance(id string) (*DBInstance, error) {
	d, ok := t.db.dbInstances[regional(t.caller.Region, strings.ToLower(id))]
	if !ok {
		return nil, refuse("DBInstanceNotFound", "DBInstance %s not found.", id)
	}
	return d, nil
}

// DescribeDBInstance reads one database.
func (c *Client) DescribeDBInstance(ctx context.Context, id string) (DBInstance, error) {
	return call(ctx, c, "rds:DescribeDBInstances", func(t *tx) (DBInstance, error) {
		d, err := t.dbInstance(id)
		if err != nil {
			return DBInstance{}, err
		}
		return *d, nil
	})
}

// DBInstances lists all databases.
func (c *Cloud) DBInstances() []DBInstance {
	c.mu.Lock()
	defer c.mu.Unlock()
	return list(c.db.dbInstances, nil)
}

// DBSnapshots lists all snapshots.
func (c *Cloud) DBSnapshots() []DBSnapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	return list(c.db.snapshots, nil)
}
