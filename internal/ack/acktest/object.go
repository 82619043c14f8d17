// Package acktest makes ACK objects for tests, in the states in which ACK leaves them.
package acktest

import (
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
)

// Start is when the objects were made and when ACK last passed over them.
var Start = time.Date(2026, 1, 2, 10, 0, 0, 0, time.UTC)

// Option changes an object that is being made.
type Option func(*unstructured.Unstructured)

// New is an object that nobody but the operator has touched. Its node is called like itself.
func New(kind ack.Kind, name string, options ...Option) *unstructured.Unstructured {
	object := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{}}}
	object.SetGroupVersionKind(kind.GVK())
	object.SetNamespace("team-a")
	object.SetName(name)
	object.SetUID(types.UID("uid-" + strings.ToLower(kind.Name) + "-" + name))
	object.SetGeneration(1)
	object.SetCreationTimestamp(metav1.NewTime(Start))
	object.SetLabels(map[string]string{v1.LabelNode: name, v1.LabelStack: "prod"})
	for _, option := range options {
		option(object)
	}
	return object
}

// Ready is an object that ACK has made and that others may use.
func Ready(kind ack.Kind, name string, options ...Option) *unstructured.Unstructured {
	made := []Option{Finalizer(), Condition("ACK.ResourceSynced", "True", "", Start)}
	for path, value := range outputs(kind, name) {
		made = append(made, Status(path, value))
	}
	return New(kind, name, append(made, options...)...)
}

// outputs are the values in the status of a ready object, by path.
func outputs(kind ack.Kind, name string) map[string]any {
	arn := map[string]any{"ackResourceMetadata.arn": "arn:aws:x:us-east-2:111122223333:" + kind.Plural + "/" + name}
	switch kind {
	case ack.VPC:
		return map[string]any{"vpcID": "vpc-" + name}
	case ack.InternetGateway:
		return map[string]any{"internetGatewayID": "igw-" + name}
	case ack.RouteTable:
		return map[string]any{"routeTableID": "rtb-" + name}
	case ack.Subnet:
		return map[string]any{"subnetID": "subnet-" + name}
	case ack.ElasticIPAddress:
		return map[string]any{"allocationID": "eipalloc-" + name, "publicIP": "198.51.100.7"}
	case ack.NATGateway:
		return map[string]any{"natGatewayID": "nat-" + name, "state": "available"}
	case ack.SecurityGroup:
		return map[string]any{"id": "sg-" + name}
	case ack.Instance:
		return map[string]any{"instanceID": "i-" + name, "state.name": "running"}
	case ack.RecordSet:
		return map[string]any{"status": "INSYNC"}
	case ack.LoadBalancer:
		arn["dnsName"], arn["canonicalHostedZoneID"] = "Prod-1.us-east-2.elb.amazonaws.com", "Z3AADJGX6KTTL2"
	case ack.Certificate:
		arn["status"] = "ISSUED"
	case ack.DBInstance:
		arn["dbInstanceStatus"] = "available"
		arn["endpoint.address"], arn["endpoint.port"] = "db.c0ffee.us-east-2.rds.amazonaws.com", int64(3306)
		arn["masterUserSecret.secretARN"] = "arn:aws:secretsmanager:us-east-2:111122223333:secret:rds!db"
	}
	return arn
}

// Condition sets one of ACK's conditions; a zero time leaves lastTransitionTime out, as ACK does for some.
func Condition(kind, status, message string, at time.Time) Option {
	return func(object *unstructured.Unstructured) {
		entry := map[string]any{"type": kind, "status": status}
		if message != "" {
			entry["message"] = message
		}
		if !at.IsZero() {
			entry["lastTransitionTime"] = at.UTC().Format(time.RFC3339)
		}
		list, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
		list = slices.DeleteFunc(list, func(c any) bool {
			earlier, ok := c.(map[string]any)
			return ok && earlier["type"] == kind
		})
		set(object, append(list, any(entry)), "status", "conditions")
	}
}

// NoConditions takes all conditions away.
func NoConditions() Option {
	return func(object *unstructured.Unstructured) {
		unstructured.RemoveNestedField(object.Object, "status", "conditions")
	}
}

// Status sets a value at a dotted path below status; nil takes it away.
func Status(path string, value any) Option { return at("status."+path, value) }

// Spec sets a value at a dotted path below spec; nil takes it away.
func Spec(path string, value any) Option { return at("spec."+path, value) }

func at(path string, value any) Option {
	return func(object *unstructured.Unstructured) {
		fields := strings.Split(path, ".")
		if value == nil {
			unstructured.RemoveNestedField(object.Object, fields...)
			return
		}
		set(object, value, fields...)
	}
}

func set(object *unstructured.Unstructured, value any, fields ...string) {
	if err := unstructured.SetNestedField(object.Object, value, fields...); err != nil {
		panic(err) // a mistake in a test
	}
}

// Finalizer is what ACK puts on just before it makes the resource.
func Finalizer() Option {
	return func(object *unstructured.Unstructured) {
		kind, _ := ack.KindOf(object.GetKind())
		object.SetFinalizers([]string{kind.Finalizer()})
	}
}

// Node puts the object at another node than that of its name.
func Node(id string) Option { return Label(v1.LabelNode, id) }

// Label sets a label.
func Label(key, value string) Option {
	return func(object *unstructured.Unstructured) {
		labels := object.GetLabels()
		labels[key] = value
		object.SetLabels(labels)
	}
}

// Needs notes the nodes that the object was made from.
func Needs(nodes ...string) Option { return Annotation(v1.AnnotationNeeds, strings.Join(nodes, ",")) }

// Annotation sets an annotation.
func Annotation(key, value string) Option {
	return func(object *unstructured.Unstructured) {
		annotations := object.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[key] = value
		object.SetAnnotations(annotations)
	}
}

// Created sets when the object was made.
func Created(at time.Time) Option {
	return func(object *unstructured.Unstructured) { object.SetCreationTimestamp(metav1.NewTime(at)) }
}

// Deleting has the object asked to go.
func Deleting(at time.Time) Option {
	return func(object *unstructured.Unstructured) {
		when := metav1.NewTime(at)
		object.SetDeletionTimestamp(&when)
	}
}

// Updated has the operator change the object's spec at a time: over what ACK has said so far.
func Updated(at time.Time) Option {
	return func(object *unstructured.Unstructured) {
		Annotation(v1.AnnotationUpdated, ack.Updated(object, at))(object)
		object.SetGeneration(object.GetGeneration() + 1)
	}
}

// Passed has ACK end a pass over the object at a time, with all well.
func Passed(at time.Time) Option { return Condition("ACK.ResourceSynced", "True", "", at) }
