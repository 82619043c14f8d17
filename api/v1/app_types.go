package v1

// AppSpec is the release of the app that the hosts run.
type AppSpec struct {
	// Version is the release, as the app reports it in /health. A change replaces the hosts one by one.
	// Example: 1.4.0
	// +required
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`
	Version string `json:"version"`

	// Artifacts are the release's binaries, one per architecture. A host runs one only if its checksum is right.
	// +required
	// +listType=map
	// +listMapKey=architecture
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=2
	Artifacts []Artifact `json:"artifacts"`

	// Admin is the first administrator, who signs in once with the setup secret that the operator makes. After that it
	// has no meaning any more; a change still replaces the hosts.
	// +optional
	// +kubebuilder:default={}
	Admin AdminSpec `json:"admin,omitempty"`
}

// Artifact is one binary of a release.
type Artifact struct {
	// Architecture is what the binary runs on. Example: amd64
	// +required
	Architecture Architecture `json:"architecture"`

	// URL is where a host fetches the binary, without credentials in it.
	// Example: https://releases.example.com/app/1.4.0/app-linux-amd64
	// +required
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:Pattern=`^https?://[^\s"\\$<>@]+$`
	URL string `json:"url"`

	// SHA256 is the binary's checksum, 64 lower-case hexadecimal digits.
	// +required
	// +kubebuilder:validation:MinLength=64
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[0-9a-f]{64}$`
	SHA256 string `json:"sha256"`
}

// AdminSpec is the first administrator. There is no default password: the one-time setup secret is in the Kubernetes
// Secret that status.setupSecret names.
type AdminSpec struct {
	// Username is the first administrator's sign-in name. Example: admin
	// +optional
	// +kubebuilder:default=admin
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$`
	Username string `json:"username,omitempty"`

	// Email is the first administrator's address. Example: admin@example.com
	// +optional
	// +kubebuilder:validation:MaxLength=254
	// +kubebuilder:validation:Pattern=`^[^\s@"\\$]+@[^\s@"\\$]+$`
	Email string `json:"email,omitempty"`
}
