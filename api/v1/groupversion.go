// Package v1 is the API of User Management Stack: one kind, UserManagementStack, in the group usermanagement.dev.
// It is what platform engineers write and read; everything else in this repository serves it.
//
// +kubebuilder:object:generate=true
// +groupName=usermanagement.dev
package v1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Group is the API group, and the prefix of every label and annotation this project writes.
const Group = "usermanagement.dev"

// Kind is the one kind of this API.
const Kind = "UserManagementStack"

var (
	// GroupVersion names this version of the API.
	GroupVersion = schema.GroupVersion{Group: Group, Version: "v1"}

	// GroupVersionKind names the kind in this version.
	GroupVersionKind = GroupVersion.WithKind(Kind)

	schemeBuilder = runtime.NewSchemeBuilder(func(s *runtime.Scheme) error {
		s.AddKnownTypes(GroupVersion, &UserManagementStack{}, &UserManagementStackList{})
		metav1.AddToGroupVersion(s, GroupVersion)
		return nil
	})

	// AddToScheme registers the kind, so that clients can decode it.
	AddToScheme = schemeBuilder.AddToScheme
)
