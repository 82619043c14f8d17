package elbv2

import (
	ackv1alpha1 "github.com/aws-controllers-k8s/runtime/apis/core/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// LoadBalancer mirrors elbv2.services.k8s.aws/v1alpha1 LoadBalancer.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=loadbalancers
type LoadBalancer struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   LoadBalancerSpec   `json:"spec,omitempty"`
	Status LoadBalancerStatus `json:"status,omitempty"`
}

// LoadBalancerSpec mirrors LoadBalancer.spec.
//
// +kubebuilder:pruning:PreserveUnknownFields
type LoadBalancerSpec struct {
	// Name mirrors spec.name: at most 32 characters, unique in account and region. ACK finds the balancer by it.
	// +optional
	Name string `json:"name,omitempty"`
	// Type mirrors spec.type. Example: application
	// +optional
	Type string `json:"type,omitempty"`
	// Scheme mirrors spec.scheme. ACK ignores a change.
	// +optional
	Scheme string `json:"scheme,omitempty"`
	// IPAddressType mirrors spec.ipAddressType. Example: ipv4
	// +optional
	IPAddressType string `json:"ipAddressType,omitempty"`
	// Subnets mirrors spec.subnets, subnet ids. ACK ignores a change.
	// +optional
	Subnets []string `json:"subnets,omitempty"`
	// SecurityGroups mirrors spec.securityGroups, group ids.
	// +optional
	SecurityGroups []string `json:"securityGroups,omitempty"`
	// Attributes mirrors spec.attributes; attributes not named here are left alone.
	// +optional
	Attributes []Attribute `json:"attributes,omitempty"`
	// Tags mirrors spec.tags.
	// +optional
	Tags []Tag `json:"tags,omitempty"`
}

// LoadBalancerStatus mirrors the part of LoadBalancer.status that is read.
//
// +kubebuilder:pruning:PreserveUnknownFields
type LoadBalancerStatus struct {
	// ACKResourceMetadata mirrors status.ackResourceMetadata, with the ARN.
	// +optional
	ACKResourceMetadata *ackv1alpha1.ResourceMetadata `json:"ackResourceMetadata,omitempty"`
	// Conditions mirrors status.conditions.
	// +optional
	Conditions []*ackv1alpha1.Condition `json:"conditions,omitempty"`
	// DNSName mirrors status.dnsName.
	// +optional
	DNSName string `json:"dnsName,omitempty"`
	// CanonicalHostedZoneID mirrors status.canonicalHostedZoneID: the zone that alias records point into.
	// +optional
	CanonicalHostedZoneID string `json:"canonicalHostedZoneID,omitempty"`
	// State mirrors status.state.
	// +optional
	State *LoadBalancerState `json:"state,omitempty"`
}

// LoadBalancerState mirrors LoadBalancer.status.state.
//
// +kubebuilder:pruning:PreserveUnknownFields
type LoadBalancerState struct {
	// Code mirrors state.code: provisioning, active, active_impaired or failed.
	// +optional
	Code string `json:"code,omitempty"`
	// Reason mirrors state.reason.
	// +optional
	Reason string `json:"reason,omitempty"`
}

// Attribute mirrors the key and value of a load balancer's or target group's attribute.
type Attribute struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Tag mirrors an element of spec.tags.
type Tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}
