package main

import (
	"slices"
	"testing"
)

func TestTheNameSaysThatSomethingIsToBeCompleted(t *testing.T) {
	for _, c := range []struct{ called, want []string }{
		{[]string{"/usr/bin/kubectl-ums", "status", "prod"}, []string{"status", "prod"}},
		{[]string{"/usr/bin/kubectl_complete-ums", "status", ""}, []string{"__complete", "status", ""}},
	} {
		if got := arguments(c.called); !slices.Equal(got, c.want) {
			t.Errorf("called as %q it does %q, want %q", c.called, got, c.want)
		}
	}
}
