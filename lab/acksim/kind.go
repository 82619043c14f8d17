package acksim

import (
	"context"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"usermanagement.dev/stack/lab/cloud"
)

// kind says how one kind of ACK resource behaves. The four functions follow ACK's resource managers: what they return is a
// copy of the object with spec and status as AWS has them.
type kind struct {
	name, plural, service string
	cloudKind             cloud.Kind
	// terminal are the AWS error codes after which nothing is retried.
	terminal []string
	// gone are the codes that mean that the thing does not exist. A kind without any never notices.
	gone []string
	// references are the fields that may name other objects.
	references []reference
	// compared are the fields whose difference makes an update. What is not in it is ignored silently.
	compared []comparison
	// late are fields that are filled in from AWS after a create or an update.
	late []lateField
	// resync is the kind's own resync period; 0 means the default.
	resync time.Duration
	// synced says whether the state in status counts as synced; nil means always.
	synced func(latest *object) bool
	// syncedEagerly marks a controller that sets ResourceSynced=True after every successful call (acm).
	syncedEagerly bool
	// noPartition marks a controller whose runtime does not write ackResourceMetadata.partition.
	noPartition bool
	// untagged marks kinds that get no default tags.
	untagged bool
	// identify takes over adoption fields (annotation) into the object.
	identify func(o *object, fields map[string]string)

	read   func(ctx context.Context, p *pass, desired *object) (*object, error)
	create func(ctx context.Context, p *pass, desired *object) (*object, error)
	update func(ctx context.Context, p *pass, desired, latest *object, changed delta) (*object, error)
	remove func(ctx context.Context, p *pass, latest *object) error
}

const apiVersion = "v1alpha1"

func (k *kind) group() string { return k.service + ".services.k8s.aws" }

func (k *kind) resource() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: k.group(), Version: apiVersion, Resource: k.plural}
}

func (k *kind) finalizer() string { return "finalizers." + k.group() + "/" + k.name }

// kinds lists all kinds of the simulator.
func kinds() []*kind {
	all := []*kind{
		vpcKind(), subnetKind(), internetGatewayKind(), elasticIPKind(), natGatewayKind(), routeTableKind(),
		securityGroupKind(), instanceKind(), roleKind(), policyKind(), instanceProfileKind(), secretKind(),
		dbSubnetGroupKind(), dbParameterGroupKind(), dbInstanceKind(), certificateKind(), recordSetKind(),
		loadBalancerKind(), targetGroupKind(), listenerKind(),
	}
	for _, k := range all {
		if k.plural == "" {
			k.plural = strings.ToLower(k.name) + "s"
		}
		if k.cloudKind == "" {
			k.cloudKind = cloud.Kind(k.name)
		}
	}
	return all
}

// found turns "there is no such thing" into errNotFound.
func (k *kind) found(err error) error {
	if cloud.IsCode(err, k.gone...) {
		return errNotFound
	}
	return err
}
