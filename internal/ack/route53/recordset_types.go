package route53

import (
	ackv1alpha1 "github.com/aws-controllers-k8s/runtime/apis/core/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// RecordSet mirrors route53.services.k8s.aws/v1alpha1 RecordSet.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=recordsets
type RecordSet struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   RecordSetSpec   `json:"spec,omitempty"`
	Status RecordSetStatus `json:"status,omitempty"`
}

// RecordSetSpec mirrors RecordSet.spec: either an alias, or values with a time to live.
//
// +kubebuilder:pruning:PreserveUnknownFields
type RecordSetSpec struct {
	// HostedZoneID mirrors spec.hostedZoneID. It cannot be changed.
	// +optional
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="Value is immutable once set"
	HostedZoneID string `json:"hostedZoneID,omitempty"`
	// Name mirrors spec.name: fully qualified with a trailing dot. It cannot be changed.
	// +optional
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="Value is immutable once set"
	Name string `json:"name,omitempty"`
	// RecordType mirrors spec.recordType. It cannot be changed.
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="Value is immutable once set"
	RecordType string `json:"recordType"`
	// TTL mirrors spec.ttl, in seconds.
	// +optional
	TTL int64 `json:"ttl,omitempty"`
	// ResourceRecords mirrors spec.resourceRecords.
	// +optional
	ResourceRecords []ResourceRecord `json:"resourceRecords,omitempty"`
	// AliasTarget mirrors spec.aliasTarget.
	// +optional
	AliasTarget *AliasTarget `json:"aliasTarget,omitempty"`
}

// ResourceRecord mirrors an element of RecordSet.spec.resourceRecords.
//
// +kubebuilder:pruning:PreserveUnknownFields
type ResourceRecord struct {
	// Value mirrors resourceRecords[].value.
	Value string `json:"value"`
}

// AliasTarget mirrors RecordSet.spec.aliasTarget.
//
// +kubebuilder:pruning:PreserveUnknownFields
type AliasTarget struct {
	// DNSName mirrors aliasTarget.dnsName, in lower case and without a trailing dot.
	// +optional
	DNSName string `json:"dnsName,omitempty"`
	// HostedZoneID mirrors aliasTarget.hostedZoneID: the target's own zone.
	// +optional
	HostedZoneID string `json:"hostedZoneID,omitempty"`
	// EvaluateTargetHealth mirrors aliasTarget.evaluateTargetHealth.
	// +optional
	EvaluateTargetHealth bool `json:"evaluateTargetHealth"`
}

// RecordSetStatus mirrors the part of RecordSet.status that is read.
//
// +kubebuilder:pruning:PreserveUnknownFields
type RecordSetStatus struct {
	// Conditions mirrors status.conditions.
	// +optional
	Conditions []*ackv1alpha1.Condition `json:"conditions,omitempty"`
	// ID mirrors status.id: the id of the last change.
	// +optional
	ID string `json:"id,omitempty"`
	// Status mirrors status.status: PENDING or INSYNC.
	// +optional
	Status string `json:"status,omitempty"`
}
