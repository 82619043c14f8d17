package elbv2

import (
	ackv1alpha1 "github.com/aws-controllers-k8s/runtime/apis/core/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TargetGroup mirrors elbv2.services.k8s.aws/v1alpha1 TargetGroup.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=targetgroups
type TargetGroup struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   TargetGroupSpec   `json:"spec,omitempty"`
	Status TargetGroupStatus `json:"status,omitempty"`
}

// TargetGroupSpec mirrors TargetGroup.spec.
//
// +kubebuilder:pruning:PreserveUnknownFields
type TargetGroupSpec struct {
	// Name mirrors spec.name: at most 32 characters, unique in account and region. ACK finds the group by it.
	Name string `json:"name"`
	// Port mirrors spec.port. ACK writes a changed value back.
	// +optional
	Port int64 `json:"port,omitempty"`
	// Protocol mirrors spec.protocol. ACK writes a changed value back.
	// +optional
	Protocol string `json:"protocol,omitempty"`
	// ProtocolVersion mirrors spec.protocolVersion. Example: HTTP1
	// +optional
	ProtocolVersion string `json:"protocolVersion,omitempty"`
	// TargetType mirrors spec.targetType. Example: instance
	// +optional
	TargetType string `json:"targetType,omitempty"`
	// IPAddressType mirrors spec.ipAddressType. Example: ipv4
	// +optional
	IPAddressType string `json:"ipAddressType,omitempty"`
	// VPCID mirrors spec.vpcID.
	// +optional
	VPCID string `json:"vpcID,omitempty"`

	// HealthCheckEnabled mirrors spec.healthCheckEnabled.
	// +optional
	HealthCheckEnabled bool `json:"healthCheckEnabled,omitempty"`
	// HealthCheckProtocol mirrors spec.healthCheckProtocol.
	// +optional
	HealthCheckProtocol string `json:"healthCheckProtocol,omitempty"`
	// HealthCheckPort mirrors spec.healthCheckPort. Example: traffic-port
	// +optional
	HealthCheckPort string `json:"healthCheckPort,omitempty"`
	// HealthCheckPath mirrors spec.healthCheckPath.
	// +optional
	HealthCheckPath string `json:"healthCheckPath,omitempty"`
	// HealthCheckIntervalSeconds mirrors spec.healthCheckIntervalSeconds, 5 to 300.
	// +optional
	HealthCheckIntervalSeconds int64 `json:"healthCheckIntervalSeconds,omitempty"`
	// HealthCheckTimeoutSeconds mirrors spec.healthCheckTimeoutSeconds, less than the interval.
	// +optional
	HealthCheckTimeoutSeconds int64 `json:"healthCheckTimeoutSeconds,omitempty"`
	// HealthyThresholdCount mirrors spec.healthyThresholdCount, 2 to 10.
	// +optional
	HealthyThresholdCount int64 `json:"healthyThresholdCount,omitempty"`
	// UnhealthyThresholdCount mirrors spec.unhealthyThresholdCount, 2 to 10.
	// +optional
	UnhealthyThresholdCount int64 `json:"unhealthyThresholdCount,omitempty"`
	// Matcher mirrors spec.matcher: the answers that count as healthy.
	// +optional
	Matcher *Matcher `json:"matcher,omitempty"`

	// Attributes mirrors spec.attributes. Not in the first apply: ACK would lose the ARN of what it creates.
	// +optional
	Attributes []Attribute `json:"attributes,omitempty"`
	// Targets mirrors spec.targets. They are exclusive: a target not named here is deregistered. Not in the first apply.
	// +optional
	Targets []Target `json:"targets,omitempty"`
	// Tags mirrors spec.tags, which ACK sends at creation only.
	// +optional
	Tags []Tag `json:"tags,omitempty"`
}

// Matcher mirrors TargetGroup.spec.matcher.
//
// +kubebuilder:pruning:PreserveUnknownFields
type Matcher struct {
	// HTTPCode mirrors matcher.httpCode. Example: 200
	// +optional
	HTTPCode string `json:"httpCode,omitempty"`
}

// Target mirrors an element of TargetGroup.spec.targets.
//
// +kubebuilder:pruning:PreserveUnknownFields
type Target struct {
	// ID mirrors targets[].id, an instance id.
	ID string `json:"id"`
	// Port mirrors targets[].port.
	// +optional
	Port int64 `json:"port,omitempty"`
}

// TargetGroupStatus mirrors the part of TargetGroup.status that is read.
//
// +kubebuilder:pruning:PreserveUnknownFields
type TargetGroupStatus struct {
	// ACKResourceMetadata mirrors status.ackResourceMetadata, with the ARN.
	// +optional
	ACKResourceMetadata *ackv1alpha1.ResourceMetadata `json:"ackResourceMetadata,omitempty"`
	// Conditions mirrors status.conditions.
	// +optional
	Conditions []*ackv1alpha1.Condition `json:"conditions,omitempty"`
	// LoadBalancerARNs mirrors status.loadBalancerARNs.
	// +optional
	LoadBalancerARNs []string `json:"loadBalancerARNs,omitempty"`
}
