// Package cloudtest is for tests that set up an account of the cloud.
package cloudtest

import "testing"

// Must stops the test if a call that sets something up is refused: cloudtest.Must[cloud.VPC](t)(client.CreateVpc(…)).
func Must[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
