package integration

import (
	"testing"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/status/statustest"
)

// checkStatus fails the test if the status breaks one of the rules that hold at every moment.
func checkStatus(t testing.TB, stack *v1.UserManagementStack) {
	t.Helper()
	statustest.Check(t, stack)
}
