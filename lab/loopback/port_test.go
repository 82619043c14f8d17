package loopback

import (
	"fmt"
	"net"
	"os"
	"testing"
)

// TestNobodyElseIsGivenAFreePort: what the system hands out to others lies elsewhere.
func TestNobodyElseIsGivenAFreePort(t *testing.T) {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		t.Skipf("this system does not say which ports it gives to whoever asks for any: %v", err)
	}
	var first, last int
	if _, err := fmt.Sscan(string(text), &first, &last); err != nil {
		t.Fatal(err)
	}
	if first < 32768 {
		t.Skipf("this machine was told to give ports from %d on", first)
	}
	for range 20 {
		port, err := FreePort(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if port >= first && port <= last {
			t.Errorf("port %d is one of those that anybody is given, %d to %d", port, first, last)
		}
		var listen net.ListenConfig
		socket, err := listen.Listen(t.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			t.Fatal(err)
		}
		_ = socket.Close()
	}
}
