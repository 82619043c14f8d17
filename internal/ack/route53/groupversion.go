// Package route53 holds the few fields of ACK's route53 kinds that a stack uses. The controller's own Go types cannot be
// had as a module, so these mirror its CRDs field by field; what ACK adds beyond them is preserved and never read.
//
// +kubebuilder:object:generate=true
// +groupName=route53.services.k8s.aws
// +versionName=v1alpha1
package route53

import "k8s.io/apimachinery/pkg/runtime/schema"

// GroupVersion is ACK's API group and version of these kinds.
var GroupVersion = schema.GroupVersion{Group: "route53.services.k8s.aws", Version: "v1alpha1"}
