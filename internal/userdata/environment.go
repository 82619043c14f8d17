package userdata

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// environment is the text of an environment file, sorted by name and quoted in the form that systemd and a shell read
// alike.
func environment(variables map[string]string) (string, error) {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		value := variables[name]
		if strings.ContainsFunc(value, unicode.IsControl) {
			return "", fmt.Errorf("userdata: the value of %s has a control character in it", name)
		}
		fmt.Fprintf(&text, "%s=\"%s\"\n", name, quoted.Replace(value))
	}
	return text.String(), nil
}

// quoted escapes what has a meaning inside double quotes.
// https://www.freedesktop.org/software/systemd/man/systemd.exec.html#EnvironmentFile=
var quoted = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`")
