package ack_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"usermanagement.dev/stack/internal/ack"
)

func TestMessagesAreTheSameFromOneTryToTheNext(t *testing.T) {
	for _, c := range []struct{ why, said, want string }{
		{
			"the SDK for Go numbers its requests",
			"operation error EC2: DeleteVpc, https response error StatusCode: 400, RequestID: 5a0b6f5e-77d2-4c0e, " +
				"api error DependencyViolation: in use",
			"operation error EC2: DeleteVpc, https response error StatusCode: 400 api error DependencyViolation: in use",
		},
		{
			"some services number them in brackets",
			"Busy (Service: AmazonRDS; Status Code: 400; Request ID: 1f2e-3; Proxy: null)",
			"Busy (Service: AmazonRDS; Status Code: 400 Proxy: null)",
		},
		{
			"EC2 encrypts its refusals anew each time",
			"UnauthorizedOperation: You are not authorized. Encoded authorization failure message: x3J-4_aZ09kk=",
			"UnauthorizedOperation: You are not authorized.",
		},
		{
			"signatures carry the time",
			"Signature expired: 20260102T100000Z is now earlier than 20260102T101500Z (2026-01-02T10:15:00.123Z)",
			"Signature expired: <time> is now earlier than <time> (<time>)",
		},
		{
			"each connection has a port of its own",
			"read tcp 10.0.0.7:51234->10.0.0.1:443: i/o timeout",
			"read tcp 10.0.0.7->10.0.0.1:443: i/o timeout",
		},
		{"lines become one", "a\n\t b ", "a b"},
		{"nothing stays nothing", " \n", ""},
		{"what names no request stays", "the request identified no resource", "the request identified no resource"},
	} {
		if got := ack.StableMessage(c.said, 1000); got != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.why, got, c.want)
		}
	}
}

func FuzzStableMessage(f *testing.F) {
	f.Add("RequestID: 12-34, at 2026-01-02T10:00:00Z", 20)
	f.Add(strings.Repeat("ä", 50), 33)
	f.Fuzz(func(t *testing.T, message string, limit int) {
		limit = 10 + max(0, limit%2000)
		got := ack.StableMessage(message, limit)
		if len(got) > limit || !utf8.ValidString(got) || strings.TrimSpace(got) != got {
			t.Errorf("%q becomes %q", message, got)
		}
		if again := ack.StableMessage(message, limit); again != got {
			t.Errorf("%q, then %q", got, again)
		}
	})
}
