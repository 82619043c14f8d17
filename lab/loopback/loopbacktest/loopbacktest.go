// Package loopbacktest gives tests places to listen.
package loopbacktest

import (
	"testing"

	"usermanagement.dev/stack/lab/loopback"
)

// Address is loopback.FreeAddress for a test, which fails if there is none.
func Address(t testing.TB) string {
	t.Helper()
	address, err := loopback.FreeAddress(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return address
}
