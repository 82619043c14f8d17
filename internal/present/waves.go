package present

import (
	"fmt"
	"strings"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/graph"
)

// Waves lists what a stack would become: those of one wave need nothing of each other and are made at the same time.
func Waves(stack *v1.UserManagementStack, g *graph.Graph, style Style) string {
	waves := g.Waves()
	widest := 0
	for _, n := range g.Nodes() {
		widest = max(widest, columns(n.ID))
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%s  %d resources in %d waves\n",
		style.Strong(v1.Kind+" "+stack.Namespace+"/"+stack.Name), len(g.Nodes()), len(waves))
	for i, wave := range waves {
		fmt.Fprintf(&out, "\n%s\n", style.Strong(fmt.Sprintf("wave %d", i+1)))
		for _, n := range wave {
			room := style.remaining(columns("  ") + widest + kindColumns + columns("    "))
			line := fmt.Sprintf("  %s  %s  %s", pad(n.ID, widest), pad(n.Object.GetKind(), kindColumns),
				style.Faint(cut(strings.Join(n.Needs, ", "), room)))
			fmt.Fprintln(&out, strings.TrimRight(line, " "))
		}
	}
	return out.String()
}
