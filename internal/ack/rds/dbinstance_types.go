package rds

import (
	ackv1alpha1 "github.com/aws-controllers-k8s/runtime/apis/core/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// DBInstance mirrors rds.services.k8s.aws/v1alpha1 DBInstance.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=dbinstances
type DBInstance struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   DBInstanceSpec   `json:"spec,omitempty"`
	Status DBInstanceStatus `json:"status,omitempty"`
}

// DBInstanceSpec mirrors DBInstance.spec. availabilityZone is left out on purpose: ACK persists it, and after a
// failover it could never be in sync again.
//
// +kubebuilder:pruning:PreserveUnknownFields
type DBInstanceSpec struct {
	// DBInstanceIdentifier mirrors spec.dbInstanceIdentifier, at most 63 characters. ACK finds the database by it.
	DBInstanceIdentifier string `json:"dbInstanceIdentifier"`
	// DBInstanceClass mirrors spec.dbInstanceClass.
	DBInstanceClass string `json:"dbInstanceClass"`
	// Engine mirrors spec.engine.
	Engine string `json:"engine"`
	// EngineVersion mirrors spec.engineVersion; ACK takes a prefix such as 8.4 as equal to the release that AWS picks.
	// +optional
	EngineVersion string `json:"engineVersion,omitempty"`
	// DBName mirrors spec.dbName: the database that is made at creation.
	// +optional
	DBName string `json:"dbName,omitempty"`
	// MasterUsername mirrors spec.masterUsername.
	// +optional
	MasterUsername string `json:"masterUsername,omitempty"`
	// ManageMasterUserPassword mirrors spec.manageMasterUserPassword.
	// +optional
	ManageMasterUserPassword bool `json:"manageMasterUserPassword"`
	// AllocatedStorage mirrors spec.allocatedStorage, in GiB.
	// +optional
	AllocatedStorage int64 `json:"allocatedStorage,omitempty"`
	// StorageType mirrors spec.storageType.
	// +optional
	StorageType string `json:"storageType,omitempty"`
	// StorageEncrypted mirrors spec.storageEncrypted.
	// +optional
	StorageEncrypted bool `json:"storageEncrypted"`
	// MultiAZ mirrors spec.multiAZ.
	// +optional
	MultiAZ bool `json:"multiAZ"`
	// DBSubnetGroupName mirrors spec.dbSubnetGroupName.
	// +optional
	DBSubnetGroupName string `json:"dbSubnetGroupName,omitempty"`
	// DBParameterGroupName mirrors spec.dbParameterGroupName.
	// +optional
	DBParameterGroupName string `json:"dbParameterGroupName,omitempty"`
	// VPCSecurityGroupIDs mirrors spec.vpcSecurityGroupIDs.
	// +optional
	VPCSecurityGroupIDs []string `json:"vpcSecurityGroupIDs,omitempty"`
	// BackupRetentionPeriod mirrors spec.backupRetentionPeriod, in days; 0 turns automated backups off.
	// +optional
	BackupRetentionPeriod int64 `json:"backupRetentionPeriod"`
	// DeletionProtection mirrors spec.deletionProtection.
	// +optional
	DeletionProtection bool `json:"deletionProtection"`
	// PubliclyAccessible mirrors spec.publiclyAccessible.
	// +optional
	PubliclyAccessible bool `json:"publiclyAccessible"`
	// CopyTagsToSnapshot mirrors spec.copyTagsToSnapshot.
	// +optional
	CopyTagsToSnapshot bool `json:"copyTagsToSnapshot"`
	// AutoMinorVersionUpgrade mirrors spec.autoMinorVersionUpgrade.
	// +optional
	AutoMinorVersionUpgrade bool `json:"autoMinorVersionUpgrade"`
	// DatabaseInsightsMode mirrors spec.databaseInsightsMode; unset, ACK sees a difference for ever.
	// +optional
	DatabaseInsightsMode string `json:"databaseInsightsMode,omitempty"`
	// Tags mirrors spec.tags.
	// +optional
	Tags []Tag `json:"tags,omitempty"`
}

// DBInstanceStatus mirrors the part of DBInstance.status that is read.
//
// +kubebuilder:pruning:PreserveUnknownFields
type DBInstanceStatus struct {
	// ACKResourceMetadata mirrors status.ackResourceMetadata, with the ARN.
	// +optional
	ACKResourceMetadata *ackv1alpha1.ResourceMetadata `json:"ackResourceMetadata,omitempty"`
	// Conditions mirrors status.conditions.
	// +optional
	Conditions []*ackv1alpha1.Condition `json:"conditions,omitempty"`
	// DBInstanceStatus mirrors status.dbInstanceStatus. Example: available
	// +optional
	DBInstanceStatus string `json:"dbInstanceStatus,omitempty"`
	// Endpoint mirrors status.endpoint.
	// +optional
	Endpoint *Endpoint `json:"endpoint,omitempty"`
	// MasterUserSecret mirrors status.masterUserSecret.
	// +optional
	MasterUserSecret *MasterUserSecret `json:"masterUserSecret,omitempty"`
}

// Endpoint mirrors DBInstance.status.endpoint.
//
// +kubebuilder:pruning:PreserveUnknownFields
type Endpoint struct {
	// Address mirrors endpoint.address.
	// +optional
	Address string `json:"address,omitempty"`
	// Port mirrors endpoint.port.
	// +optional
	Port int64 `json:"port,omitempty"`
}

// MasterUserSecret mirrors DBInstance.status.masterUserSecret: the secret that RDS keeps and rotates.
//
// +kubebuilder:pruning:PreserveUnknownFields
type MasterUserSecret struct {
	// SecretARN mirrors masterUserSecret.secretARN.
	// +optional
	SecretARN string `json:"secretARN,omitempty"`
	// SecretStatus mirrors masterUserSecret.secretStatus. Example: active
	// +optional
	SecretStatus string `json:"secretStatus,omitempty"`
}

// Tag mirrors an element of spec.tags.
type Tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}
