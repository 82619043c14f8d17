package v1

// DatabaseSpec is the RDS instance that holds the users. Its master password is made, kept and rotated by RDS in Secrets
// Manager: it never passes through the cluster.
//
// +kubebuilder:validation:XValidation:rule="!has(self.engine) || !has(self.version) || (self.engine == 'mysql' ? self.version.matches('^[89][.]') : self.version.matches('^1[0-9][.]'))",message="database.version must be one of database.engine: 8.x or 9.x for mysql, for example 8.4; 10.x to 19.x for mariadb, for example 11.4"
type DatabaseSpec struct {
	// Engine is the database engine. It cannot be changed. Example: mysql
	// +optional
	// +kubebuilder:default=mysql
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="database.engine cannot be changed: create a second stack and move the data"
	Engine DatabaseEngine `json:"engine,omitempty"`

	// Version is the engine's version, major and minor; RDS picks the patch release. It can go up, never down.
	// Example: "8.4"
	// +optional
	// +kubebuilder:default="8.4"
	// +kubebuilder:validation:MaxLength=12
	// +kubebuilder:validation:Pattern=`^[0-9]{1,3}\.[0-9]{1,3}(\.[0-9]{1,3})?$`
	// +kubebuilder:validation:XValidation:rule="!self.matches('^[0-9]{1,3}[.][0-9]{1,3}([.][0-9]{1,3})?$') || int(self.split('.')[0]) * 1000 + int(self.split('.')[1]) >= int(oldSelf.split('.')[0]) * 1000 + int(oldSelf.split('.')[1])",message="database.version cannot go down: restore a snapshot into a new stack instead"
	Version string `json:"version,omitempty"`

	// InstanceClass is the RDS instance class. A change restarts the database. Example: db.t3.micro
	// +optional
	// +kubebuilder:default=db.t3.micro
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^db\.[a-z0-9-]+\.[a-z0-9-]+$`
	InstanceClass string `json:"instanceClass,omitempty"`

	// StorageGiB is the size of the database's storage, in GiB. It can grow, never shrink. Example: 20
	// +optional
	// +kubebuilder:default=20
	// +kubebuilder:validation:Minimum=20
	// +kubebuilder:validation:Maximum=65536
	// +kubebuilder:validation:XValidation:rule="self >= oldSelf",message="database.storageGiB cannot shrink: RDS storage only grows"
	StorageGiB int32 `json:"storageGiB,omitempty"`

	// MultiAZ keeps a standby in a second zone that takes over by itself. Example: true
	// +optional
	// +kubebuilder:default=false
	MultiAZ bool `json:"multiAZ,omitempty"`

	// BackupRetentionDays is how many days of automated backups are kept; 0 turns them off. Example: 7
	// +optional
	// +kubebuilder:default=7
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=35
	BackupRetentionDays *int32 `json:"backupRetentionDays,omitempty"`

	// DeletionProtection makes AWS refuse to delete the database. A stack with it is not deleted until it is false.
	// Example: false
	// +optional
	// +kubebuilder:default=false
	DeletionProtection bool `json:"deletionProtection,omitempty"`

	// Parameters are set in the database's parameter group. Static ones take effect at the next restart.
	// Example: {max_connections: "200"}
	// +optional
	// +kubebuilder:validation:MaxProperties=50
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.matches('^[a-z][a-z0-9_.-]*$') && size(k) <= 64 && size(self[k]) <= 1024)",message="database.parameters are named as RDS names them, in lower case, for example max_connections"
	// +kubebuilder:validation:XValidation:rule="!('require_secure_transport' in self)",message="require_secure_transport is always on: the app reaches its database over TLS only"
	Parameters map[string]string `json:"parameters,omitempty"`
}

// DatabaseEngine is a database engine, as RDS names it.
//
// +kubebuilder:validation:Enum=mysql;mariadb
type DatabaseEngine string

// The engines that the app runs on.
const (
	EngineMySQL   DatabaseEngine = "mysql"
	EngineMariaDB DatabaseEngine = "mariadb"
)
