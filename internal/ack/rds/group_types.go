package rds

import (
	ackv1alpha1 "github.com/aws-controllers-k8s/runtime/apis/core/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// DBSubnetGroup mirrors rds.services.k8s.aws/v1alpha1 DBSubnetGroup.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=dbsubnetgroups
type DBSubnetGroup struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   DBSubnetGroupSpec `json:"spec,omitempty"`
	Status GroupStatus       `json:"status,omitempty"`
}

// DBSubnetGroupSpec mirrors DBSubnetGroup.spec.
//
// +kubebuilder:pruning:PreserveUnknownFields
type DBSubnetGroupSpec struct {
	// Name mirrors spec.name, in lower case. ACK finds the group by it.
	Name string `json:"name"`
	// Description mirrors spec.description.
	Description string `json:"description"`
	// SubnetIDs mirrors spec.subnetIDs, in at least two zones.
	// +optional
	SubnetIDs []string `json:"subnetIDs,omitempty"`
	// Tags mirrors spec.tags.
	// +optional
	Tags []Tag `json:"tags,omitempty"`
}

// DBParameterGroup mirrors rds.services.k8s.aws/v1alpha1 DBParameterGroup.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=dbparametergroups
type DBParameterGroup struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   DBParameterGroupSpec `json:"spec,omitempty"`
	Status GroupStatus          `json:"status,omitempty"`
}

// DBParameterGroupSpec mirrors DBParameterGroup.spec.
//
// +kubebuilder:pruning:PreserveUnknownFields
type DBParameterGroupSpec struct {
	// Name mirrors spec.name, in lower case, letter first. ACK finds the group by it.
	Name string `json:"name"`
	// Description mirrors spec.description. ACK ignores a change.
	Description string `json:"description"`
	// Family mirrors spec.family. ACK ignores a change. Example: mysql8.4
	Family string `json:"family"`
	// ParameterOverrides mirrors spec.parameterOverrides.
	// +optional
	ParameterOverrides map[string]string `json:"parameterOverrides,omitempty"`
	// Tags mirrors spec.tags.
	// +optional
	Tags []Tag `json:"tags,omitempty"`
}

// GroupStatus mirrors the part of both groups' status that is read.
//
// +kubebuilder:pruning:PreserveUnknownFields
type GroupStatus struct {
	// ACKResourceMetadata mirrors status.ackResourceMetadata, with the ARN.
	// +optional
	ACKResourceMetadata *ackv1alpha1.ResourceMetadata `json:"ackResourceMetadata,omitempty"`
	// Conditions mirrors status.conditions.
	// +optional
	Conditions []*ackv1alpha1.Condition `json:"conditions,omitempty"`
}
