// Package ack is the one room that knows how AWS Controllers for Kubernetes behave: which kinds there are, where they
// put what they learn, when an object is usable, which fields they rewrite. All of it is functions of objects.
package ack

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Kind is one kind of ACK resource that a stack is made of.
type Kind struct {
	// Service is the ACK service controller that serves the kind. Example: ec2
	Service string
	// Name is the Kubernetes kind. Example: VPC
	Name string
	// Plural is the resource name. Example: vpcs
	Plural string
	// Named says that AWS knows the resource by the name in its spec: ACK finds it again by that name, which is what
	// makes adoption possible without an id.
	Named bool
	// Tags says that spec.tags is followed after creation.
	Tags bool
}

// Version is the API version of every ACK kind.
const Version = "v1alpha1"

// GVK is the kind as Kubernetes names it.
func (k Kind) GVK() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: k.Group(), Version: Version, Kind: k.Name}
}

// Group is the kind's API group. Example: ec2.services.k8s.aws
func (k Kind) Group() string { return k.Service + ".services.k8s.aws" }

// CRD is the name of the kind's CustomResourceDefinition.
func (k Kind) CRD() string { return k.Plural + "." + k.Group() }

// Finalizer is what ACK puts on an object just before it makes the AWS resource.
func (k Kind) Finalizer() string { return "finalizers." + k.Group() + "/" + k.Name }

// The kinds that a stack is made of.
var (
	VPC              = Kind{Service: "ec2", Name: "VPC", Plural: "vpcs", Tags: true}
	InternetGateway  = Kind{Service: "ec2", Name: "InternetGateway", Plural: "internetgateways", Tags: true}
	RouteTable       = Kind{Service: "ec2", Name: "RouteTable", Plural: "routetables", Tags: true}
	Subnet           = Kind{Service: "ec2", Name: "Subnet", Plural: "subnets", Tags: true}
	ElasticIPAddress = Kind{Service: "ec2", Name: "ElasticIPAddress", Plural: "elasticipaddresses", Tags: true}
	NATGateway       = Kind{Service: "ec2", Name: "NATGateway", Plural: "natgateways", Tags: true}
	SecurityGroup    = Kind{Service: "ec2", Name: "SecurityGroup", Plural: "securitygroups", Named: true, Tags: true}
	Instance         = Kind{Service: "ec2", Name: "Instance", Plural: "instances", Tags: true}
	Role             = Kind{Service: "iam", Name: "Role", Plural: "roles", Named: true, Tags: true}
	InstanceProfile  = Kind{Service: "iam", Name: "InstanceProfile", Plural: "instanceprofiles", Named: true, Tags: true}
	Secret           = Kind{Service: "secretsmanager", Name: "Secret", Plural: "secrets", Named: true, Tags: true}
	DBSubnetGroup    = Kind{Service: "rds", Name: "DBSubnetGroup", Plural: "dbsubnetgroups", Named: true, Tags: true}
	DBParameterGroup = Kind{Service: "rds", Name: "DBParameterGroup", Plural: "dbparametergroups", Named: true, Tags: true}
	DBInstance       = Kind{Service: "rds", Name: "DBInstance", Plural: "dbinstances", Named: true, Tags: true}
	Certificate      = Kind{Service: "acm", Name: "Certificate", Plural: "certificates", Tags: true}
	RecordSet        = Kind{Service: "route53", Name: "RecordSet", Plural: "recordsets", Named: true}
	LoadBalancer     = Kind{Service: "elbv2", Name: "LoadBalancer", Plural: "loadbalancers", Named: true, Tags: true}
	TargetGroup      = Kind{Service: "elbv2", Name: "TargetGroup", Plural: "targetgroups", Named: true}
	Listener         = Kind{Service: "elbv2", Name: "Listener", Plural: "listeners"}
)

var kinds = []Kind{
	VPC, InternetGateway, RouteTable, Subnet, ElasticIPAddress, NATGateway, SecurityGroup, Instance,
	Role, InstanceProfile, Secret, DBSubnetGroup, DBParameterGroup, DBInstance,
	Certificate, RecordSet, LoadBalancer, TargetGroup, Listener,
}

// Kinds are all kinds that a stack is made of.
func Kinds() []Kind { return slices.Clone(kinds) }

// KindOf is the kind of that name. Every object the operator makes has one; another name is a mistake in the program.
func KindOf(name string) (Kind, error) {
	for _, k := range kinds {
		if k.Name == name {
			return k, nil
		}
	}
	return Kind{}, fmt.Errorf("ack: no kind is called %q", name)
}

// ACK's annotations, of github.com/aws-controllers-k8s/runtime/apis/core/v1alpha1 and of the rds-controller.
const (
	// AnnotationAdoptionPolicy with AdoptOrCreate lets ACK take over what a lost status left behind in AWS. It must be
	// there from the first apply.
	AnnotationAdoptionPolicy = "services.k8s.aws/adoption-policy"
	AdoptOrCreate            = "adopt-or-create"
	// AnnotationRegion puts a resource into another region than the controller's own.
	AnnotationRegion = "services.k8s.aws/region"
	// AnnotationDeletionPolicy with DeletionRetain leaves the AWS resource when its object goes. Read at delete time.
	AnnotationDeletionPolicy = "services.k8s.aws/deletion-policy"
	DeletionRetain           = "retain"
	// AnnotationSkipFinalSnapshot is "false" to have a final snapshot taken; ACK's own default is to take none.
	AnnotationSkipFinalSnapshot = "rds.services.k8s.aws/skip-final-snapshot"
	// AnnotationFinalSnapshotIdentifier names the final snapshot, uniquely in the region.
	AnnotationFinalSnapshotIdentifier = "rds.services.k8s.aws/final-db-snapshot-identifier"
	// AnnotationDeleteAutomatedBackups is "true" to delete the automated backups with the database.
	AnnotationDeleteAutomatedBackups = "rds.services.k8s.aws/delete-automated-backups"
)
