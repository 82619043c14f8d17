package present

import (
	"fmt"
	"strings"

	v1 "usermanagement.dev/stack/api/v1"
)

// Endpoints lists the addresses of a stack that are known.
func Endpoints(stack *v1.UserManagementStack, style Style) string {
	addresses := stack.Status.Endpoints
	var out strings.Builder
	for _, entry := range [][2]string{
		{"URL", addresses.URL},
		{"Load balancer", addresses.LoadBalancer},
		{"Bastion", addresses.Bastion},
		{"Database", addresses.Database},
	} {
		if entry[1] != "" {
			fmt.Fprintf(&out, "%s  %s\n", pad(entry[0], columns("Load balancer")), cut(entry[1], style.remaining(columns("Load balancer  "))))
		}
	}
	return out.String()
}
