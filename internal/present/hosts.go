package present

import (
	"fmt"
	"slices"
	"strings"
	"time"

	v1 "usermanagement.dev/stack/api/v1"
)

// hosts lists the app hosts, each with what it answers, and the rollout that replaces them; nothing where there are none.
func hosts(stack *v1.UserManagementStack, now time.Time, style Style) string {
	items := stack.Status.Hosts.Items
	var node, state int
	for i := range items {
		node, state = max(node, columns(items[i].Node)), max(state, columns(string(items[i].Health.State)))
	}
	var out strings.Builder
	if len(items) > 0 {
		out.WriteString("\n")
	}
	for i := range items {
		h := &items[i]
		line := fmt.Sprintf("%s  %s  %s", pad(string(h.Health.State), state), pad(h.Health.Version, versionColumns), h.InstanceID)
		if !h.Current {
			line += "  of another revision than the spec asks for"
		}
		fmt.Fprintf(&out, "  %s %s  %s\n", style.sign(hostState(h, items)), pad(h.Node, node), strings.TrimRight(line, " "))
		if h.Message != "" {
			fmt.Fprintf(&out, "    %s\n", h.Message)
		}
	}
	if roll := stack.Status.Rollout; roll != nil {
		fmt.Fprintf(&out, "\n  Rollout: %s for %s\n", strings.TrimSpace(string(roll.Step)+" "+roll.Node), age(roll.Since.Time, now))
		if roll.Message != "" {
			fmt.Fprintf(&out, "    %s\n", roll.Message)
		}
	}
	return out.String()
}

// versionColumns is the room for a release's version.
const versionColumns = len("1.14.10")

// hostState is how a host is, as far as it answers. One that leaves for another of its place need not answer any more.
func hostState(h *v1.HostStatus, all []v1.HostStatus) State {
	leaves := !h.Current && slices.ContainsFunc(all, func(o v1.HostStatus) bool { return o.Node == h.Node && o.Name != h.Name })
	switch state := h.Health.State; {
	case state == v1.HealthHealthy || state == v1.HealthAssumed:
		return Done
	case state == v1.HealthUnknown || leaves:
		return UnderWay
	default:
		return Failed
	}
}
