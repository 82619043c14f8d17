package hosts

import "testing"

func TestInstanceTypesAreOfTheArchitecture(t *testing.T) {
	for _, c := range []struct{ given, architecture, want string }{
		{"t3.micro", "amd64", "t3.micro"},
		{"m7i-flex.large", "amd64", "m7i-flex.large"},
		{"t4g.small", "amd64", "t3.small"},
		{"t3.micro", "arm64", "t4g.micro"},
		{"m8gd.large", "arm64", "m8gd.large"},
		{"", "amd64", ""},
		{"", "arm64", "t4g.micro"},
		{"a1.xlarge", "amd64", "t3.xlarge"},
	} {
		if got := InstanceType(c.given, c.architecture); got != c.want {
			t.Errorf("%s for %s is %s, want %s", c.given, c.architecture, got, c.want)
		}
	}
}
