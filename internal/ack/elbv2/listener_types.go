package elbv2

import (
	ackv1alpha1 "github.com/aws-controllers-k8s/runtime/apis/core/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Listener mirrors elbv2.services.k8s.aws/v1alpha1 Listener.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=listeners
type Listener struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   ListenerSpec   `json:"spec,omitempty"`
	Status ListenerStatus `json:"status,omitempty"`
}

// ListenerSpec mirrors Listener.spec. ACK replaces most of it by AWS's own form after each write.
//
// +kubebuilder:pruning:PreserveUnknownFields
type ListenerSpec struct {
	// LoadBalancerARN mirrors spec.loadBalancerARN.
	// +optional
	LoadBalancerARN string `json:"loadBalancerARN,omitempty"`
	// Port mirrors spec.port.
	// +optional
	Port int64 `json:"port,omitempty"`
	// Protocol mirrors spec.protocol: HTTP or HTTPS.
	// +optional
	Protocol string `json:"protocol,omitempty"`
	// SSLPolicy mirrors spec.sslPolicy.
	// +optional
	SSLPolicy string `json:"sslPolicy,omitempty"`
	// Certificates mirrors spec.certificates: the default certificate only.
	// +optional
	Certificates []Certificate `json:"certificates,omitempty"`
	// DefaultActions mirrors spec.defaultActions.
	DefaultActions []Action `json:"defaultActions"`
	// Tags mirrors spec.tags, which ACK sends at creation only.
	// +optional
	Tags []Tag `json:"tags,omitempty"`
}

// Certificate mirrors an element of Listener.spec.certificates.
//
// +kubebuilder:pruning:PreserveUnknownFields
type Certificate struct {
	// CertificateARN mirrors certificates[].certificateARN; the certificate must be issued.
	CertificateARN string `json:"certificateARN"`
}

// Action mirrors an element of Listener.spec.defaultActions.
//
// +kubebuilder:pruning:PreserveUnknownFields
type Action struct {
	// Type mirrors defaultActions[].type: forward or redirect.
	// +optional
	Type string `json:"type,omitempty"`
	// ForwardConfig mirrors defaultActions[].forwardConfig.
	// +optional
	ForwardConfig *ForwardConfig `json:"forwardConfig,omitempty"`
	// RedirectConfig mirrors defaultActions[].redirectConfig.
	// +optional
	RedirectConfig *RedirectConfig `json:"redirectConfig,omitempty"`
}

// ForwardConfig mirrors defaultActions[].forwardConfig.
//
// +kubebuilder:pruning:PreserveUnknownFields
type ForwardConfig struct {
	// TargetGroupStickinessConfig mirrors forwardConfig.targetGroupStickinessConfig.
	// +optional
	TargetGroupStickinessConfig *Stickiness `json:"targetGroupStickinessConfig,omitempty"`
	// TargetGroups mirrors forwardConfig.targetGroups.
	// +optional
	TargetGroups []WeightedTargetGroup `json:"targetGroups,omitempty"`
}

// Stickiness mirrors forwardConfig.targetGroupStickinessConfig.
//
// +kubebuilder:pruning:PreserveUnknownFields
type Stickiness struct {
	// Enabled mirrors targetGroupStickinessConfig.enabled.
	// +optional
	Enabled bool `json:"enabled"`
}

// WeightedTargetGroup mirrors an element of forwardConfig.targetGroups.
//
// +kubebuilder:pruning:PreserveUnknownFields
type WeightedTargetGroup struct {
	// TargetGroupARN mirrors targetGroups[].targetGroupARN.
	// +optional
	TargetGroupARN string `json:"targetGroupARN,omitempty"`
	// Weight mirrors targetGroups[].weight.
	// +optional
	Weight int64 `json:"weight,omitempty"`
}

// RedirectConfig mirrors defaultActions[].redirectConfig.
//
// +kubebuilder:pruning:PreserveUnknownFields
type RedirectConfig struct {
	// Protocol mirrors redirectConfig.protocol.
	// +optional
	Protocol string `json:"protocol,omitempty"`
	// Port mirrors redirectConfig.port.
	// +optional
	Port string `json:"port,omitempty"`
	// Host mirrors redirectConfig.host. Example: #{host}
	// +optional
	Host string `json:"host,omitempty"`
	// Path mirrors redirectConfig.path. Example: /#{path}
	// +optional
	Path string `json:"path,omitempty"`
	// Query mirrors redirectConfig.query. Example: #{query}
	// +optional
	Query string `json:"query,omitempty"`
	// StatusCode mirrors redirectConfig.statusCode. Example: HTTP_301
	// +optional
	StatusCode string `json:"statusCode,omitempty"`
}

// ListenerStatus mirrors the part of Listener.status that is read.
//
// +kubebuilder:pruning:PreserveUnknownFields
type ListenerStatus struct {
	// ACKResourceMetadata mirrors status.ackResourceMetadata, with the ARN.
	// +optional
	ACKResourceMetadata *ackv1alpha1.ResourceMetadata `json:"ackResourceMetadata,omitempty"`
	// Conditions mirrors status.conditions.
	// +optional
	Conditions []*ackv1alpha1.Condition `json:"conditions,omitempty"`
}
