package hosts

import (
	"regexp"
	"strings"
)

// arm are the instance types with AWS's own processors, as the kind's validation tells them apart.
var arm = regexp.MustCompile(`^[a-z]+[0-9]+g[a-z]*[.]|^a1[.]`)

const architectureARM = "arm64"

// InstanceType is the EC2 type to ask for where hosts are of an architecture: the given one if it is of it, otherwise one for
// general use of the same size. None is left to the kind's default if that is of it. Example: t3.small for t4g.small and amd64
func InstanceType(given, architecture string) string {
	if given == "" && architecture == architectureARM {
		return "t4g.micro"
	}
	if arm.MatchString(given) == (architecture == architectureARM) {
		return given
	}
	_, size, _ := strings.Cut(given, ".")
	if architecture == architectureARM {
		return "t4g." + size
	}
	return "t3." + size
}
