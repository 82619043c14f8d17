package secretsmanager

import (
	ackv1alpha1 "github.com/aws-controllers-k8s/runtime/apis/core/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Secret mirrors secretsmanager.services.k8s.aws/v1alpha1 Secret.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=secrets
type Secret struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   SecretSpec   `json:"spec,omitempty"`
	Status SecretStatus `json:"status,omitempty"`
}

// SecretSpec mirrors Secret.spec.
//
// +kubebuilder:pruning:PreserveUnknownFields
type SecretSpec struct {
	// Name mirrors spec.name. It cannot be changed.
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="Value is immutable once set"
	Name string `json:"name"`
	// Description mirrors spec.description. A change of it makes ACK push the content again.
	// +optional
	Description string `json:"description,omitempty"`
	// SecretString mirrors spec.secretString: where in Kubernetes the content is.
	// +optional
	// +structType=atomic
	SecretString *SecretKeyReference `json:"secretString,omitempty"`
	// Tags mirrors spec.tags.
	// +optional
	Tags []Tag `json:"tags,omitempty"`
}

// SecretKeyReference mirrors Secret.spec.secretString: a key of an Opaque Kubernetes Secret in the same namespace.
type SecretKeyReference struct {
	// Name mirrors secretString.name.
	// +optional
	Name string `json:"name,omitempty"`
	// Key mirrors secretString.key.
	Key string `json:"key"`
}

// SecretStatus mirrors the part of Secret.status that is read.
//
// +kubebuilder:pruning:PreserveUnknownFields
type SecretStatus struct {
	// ACKResourceMetadata mirrors status.ackResourceMetadata, with the ARN.
	// +optional
	ACKResourceMetadata *ackv1alpha1.ResourceMetadata `json:"ackResourceMetadata,omitempty"`
	// Conditions mirrors status.conditions.
	// +optional
	Conditions []*ackv1alpha1.Condition `json:"conditions,omitempty"`
}

// Tag mirrors an element of spec.tags.
type Tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}
