package acksim

import (
	"maps"

	"usermanagement.dev/stack/lab/cloud"
)

func (p *pass) shownDBInstance(o *object, d cloud.DBInstance) *object {
	shown := o.copy()
	p.showDBInstance(shown, d)
	return shown
}

// showDBInstance takes over what DescribeDBInstances answers. Pending changes count as made, as the controller has it.
func (p *pass) showDBInstance(o *object, d cloud.DBInstance) {
	p.showTags(o, d.Tags)
	p.showDBSpec(o, d)
	o.setARN(d.ARN)
	status := o.status()
	status["dbInstanceStatus"], status["dbiResourceID"], status["dbInstancePort"] = d.Status, d.ResourceID, int64(0)
	put(status, "instanceCreateTime", stamp(d.CreateTime))
	put(status, "secondaryAvailabilityZone", d.SecondaryZone)
	delete(status, "endpoint")
	if d.Endpoint != "" {
		status["endpoint"] = tree{"address": d.Endpoint, "port": int64(d.Port), "hostedZoneID": d.EndpointZoneID}
	}
	delete(status, "masterUserSecret")
	if d.MasterSecretARN != "" {
		status["masterUserSecret"] = tree{
			"secretARN": d.MasterSecretARN, "secretStatus": d.MasterStatus,
			"kmsKeyID": "arn:aws:kms:" + p.region + ":" + p.account + ":key/aws-secretsmanager",
		}
	}
	status["dbParameterGroups"] = []any{tree{
		"dbParameterGroupName": d.ParameterGroup, "parameterApplyStatus": p.applyStatus(d),
	}}
	put(status, "vpcSecurityGroups", list(d.Groups, func(id string) any {
		return tree{"vpcSecurityGroupID": id, "status": "active"}
	}))
	status["dbSubnetGroup"] = tree{"dbSubnetGroupName": d.SubnetGroup, "subnetGroupStatus": "Complete", "vpcID": d.VPCID}
	put(status, "enabledCloudwatchLogsExports", textList(d.LogExports))
	put(status, "pendingModifiedValues", pendingValues(d.Pending))
	status["iamDatabaseAuthenticationEnabled"] = d.IAMAuthentication
	status["certificateDetails"] = tree{"cAIdentifier": d.CACertificate}
}

func (p *pass) applyStatus(d cloud.DBInstance) string {
	if p.side.PendingReboot(p.region, d.Identifier) {
		return "pending-reboot"
	}
	return "in-sync"
}

func (p *pass) showDBSpec(o *object, d cloud.DBInstance) {
	spec := o.spec()
	spec["allocatedStorage"], spec["dbInstanceClass"] = int64(d.StorageGiB), d.Class
	spec["engine"], spec["engineVersion"], spec["multiAZ"] = d.Engine, d.EngineVersion, d.MultiAZ
	spec["backupRetentionPeriod"], spec["monitoringInterval"] = int64(d.BackupRetentionDays), int64(d.MonitoringSeconds)
	spec["storageType"], spec["storageEncrypted"] = d.StorageType, d.StorageEncrypted
	spec["autoMinorVersionUpgrade"], spec["copyTagsToSnapshot"] = d.AutoMinorVersionUpgrade, d.CopyTagsToSnapshot
	spec["deletionProtection"], spec["publiclyAccessible"] = d.DeletionProtection, d.PubliclyAccessible
	spec["performanceInsightsEnabled"], spec["promotionTier"] = d.PerformanceInsights, int64(1)
	spec["enableIAMDatabaseAuthentication"] = d.IAMAuthentication
	for field, value := range map[string]string{
		"availabilityZone": d.Zone, "backupTarget": d.BackupTarget, "caCertificateIdentifier": d.CACertificate, "dbName": d.DBName,
		"databaseInsightsMode": d.InsightsMode, "kmsKeyID": d.KMSKeyID, "licenseModel": d.LicenseModel,
		"masterUsername": d.MasterUsername, "networkType": d.NetworkType, "preferredBackupWindow": d.BackupWindow,
		"preferredMaintenanceWindow": d.Maintenance, "dbSubnetGroupName": d.SubnetGroup,
	} {
		put(spec, field, value)
	}
	if d.MaxStorageGiB > 0 {
		spec["maxAllocatedStorage"] = int64(d.MaxStorageGiB)
	}
	if spec["port"] != nil {
		spec["port"] = int64(d.Port)
	}
	if spec["vpcSecurityGroupIDs"] != nil {
		put(spec, "vpcSecurityGroupIDs", textList(d.Groups))
	}
	if spec["dbParameterGroupName"] != nil {
		spec["dbParameterGroupName"] = d.ParameterGroup
	}
	put(spec, "enableCloudwatchLogsExports", textList(d.LogExports))
	maps.Copy(spec, pendingValues(d.Pending))
	if len(d.Pending.Groups) > 0 {
		put(spec, "vpcSecurityGroupIDs", textList(d.Pending.Groups))
	}
}

// pendingValues are changes that RDS has accepted and not finished.
func pendingValues(ch cloud.DBChange) tree {
	out := tree{}
	for field, value := range map[string]*string{
		"dbInstanceClass": ch.Class, "engineVersion": ch.EngineVersion, "storageType": ch.StorageType,
	} {
		if value != nil {
			out[field] = *value
		}
	}
	for field, value := range map[string]*int{
		"allocatedStorage": ch.StorageGiB, "backupRetentionPeriod": ch.BackupRetentionDays,
	} {
		if value != nil {
			out[field] = int64(*value)
		}
	}
	if ch.MultiAZ != nil {
		out["multiAZ"] = *ch.MultiAZ
	}
	return out
}
