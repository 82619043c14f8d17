package status

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "usermanagement.dev/stack/api/v1"
)

// Urgent says whether a new status must be written now. Counts and the names of what is waited for may come a little
// later: while a stack is made or deleted they change with every resource. What was never written down comes at once,
// since it must stand there before it is made; what is gone may stand there a little longer.
func Urgent(before, after v1.UserManagementStackStatus) bool {
	return grows(before.Inventory, after.Inventory) || !equality.Semantic.DeepEqual(essence(before), essence(after))
}

func grows(before, after []v1.InventoryEntry) bool {
	return slices.ContainsFunc(after, func(entry v1.InventoryEntry) bool { return !slices.Contains(before, entry) })
}

// essence is a status without what changes with every resource. Of a finished stack everything is essential.
func essence(status v1.UserManagementStackStatus) v1.UserManagementStackStatus {
	e := *status.DeepCopy()
	if meta.IsStatusConditionTrue(e.Conditions, v1.ConditionReady) {
		return e
	}
	e.Progress, e.Components, e.Hosts, e.Endpoints = v1.Progress{}, nil, v1.HostsStatus{}, v1.Endpoints{}
	e.Inventory = nil
	components := componentConditions()
	e.Conditions = slices.DeleteFunc(e.Conditions, func(c metav1.Condition) bool {
		return slices.Contains(components, c.Type) // its problems are among the blockers
	})
	for i := range e.Conditions {
		switch c := &e.Conditions[i]; c.Reason {
		case v1.ReasonProgressing, v1.ReasonWaitingForDeletion, v1.ReasonDeleting, v1.ReasonNotServing:
			c.Message = ""
		}
	}
	return e
}
