package server

import (
	"net/netip"
	"strings"
	"testing"
)

var balancer = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}

func TestClientIPIsReadFromTheRight(t *testing.T) {
	for _, tc := range []struct{ peer, header, want string }{
		{"10.0.0.5", "203.0.113.9", "203.0.113.9"},
		{"10.0.0.5", "1.1.1.1, 203.0.113.9", "203.0.113.9"},
		{"10.0.0.5", "1.1.1.1, 203.0.113.9, 10.0.0.7", "203.0.113.9"},
		{"203.0.113.9", "1.1.1.1", "203.0.113.9"},
		{"10.0.0.5", "", "10.0.0.5"},
		{"10.0.0.5", "nonsense", "10.0.0.5"},
		{"10.0.0.5", "1.1.1.1, nonsense", "10.0.0.5"},
		{"fd00::1", "2001:db8::9", "2001:db8::9"},
		{"::ffff:10.0.0.5", "::ffff:203.0.113.9", "203.0.113.9"},
		{"10.0.0.5", "10.0.0.6, 10.0.0.7", "10.0.0.6"},
	} {
		if got := clientIP(netip.MustParseAddr(tc.peer), tc.header, balancer).String(); got != tc.want {
			t.Errorf("peer %s, X-Forwarded-For %q: %s, want %s", tc.peer, tc.header, got, tc.want)
		}
	}
}

func FuzzClientIP(f *testing.F) {
	f.Add("1.1.1.1, 203.0.113.9")
	f.Fuzz(func(t *testing.T, header string) {
		// What an untrusted peer writes never counts.
		peer := netip.MustParseAddr("203.0.113.9")
		if got := clientIP(peer, header, balancer); got != peer {
			t.Errorf("%q made the client %s", header, got)
		}
		// Behind a proxy, what stands left of the client that the proxy added never counts.
		if got := clientIP(netip.MustParseAddr("10.0.0.1"), header+",203.0.113.9", balancer); got != peer {
			t.Errorf("%q made the client %s", header, got)
		}
	})
}

func TestOnlyPathsOfThisSiteAreGoneOnTo(t *testing.T) {
	for next, want := range map[string]string{
		"/users?q=a": "/users?q=a", "": "/", "//evil.example": "/", "https://evil.example": "/", "/\\evil.example": "/", "/a\r\nX: y": "/",
		"javascript:x": "/",
	} {
		if got := safeNext(next); got != want {
			t.Errorf("%q: %q, want %q", next, got, want)
		}
	}
	if strings.Contains(contentPolicy, "unsafe") {
		t.Error("the content policy allows something unsafe")
	}
}
