package tunnel

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
)

// listen is a socket of loopback, and the way to it.
func listen(t *testing.T) (net.Listener, func(context.Context) (net.Conn, error)) {
	t.Helper()
	var config net.ListenConfig
	socket, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	return socket, func(ctx context.Context) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "tcp", socket.Addr().String())
	}
}

// TestOneWayEnds: who has said all still gets the answer, as with a server that reads its request to the end.
func TestOneWayEnds(t *testing.T) {
	server, toServer := listen(t)
	go func() {
		connection, err := server.Accept()
		if err != nil {
			return
		}
		request, _ := io.ReadAll(connection)
		_, _ = connection.Write(append([]byte("answer to "), request...))
		_ = connection.Close()
	}()
	near, toNear := listen(t)
	relay := NewRelay(near, toServer)
	client, err := toNear(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, _ = client.Write([]byte("question"))
	if half, ok := client.(*net.TCPConn); ok {
		_ = half.CloseWrite()
	}
	if got, err := io.ReadAll(client); string(got) != "answer to question" {
		t.Errorf("the client got %q: %v", got, err)
	}
	if err := relay.Stop(); err != nil {
		t.Error(err)
	}
}

// TestStopCutsOff: a connection that nobody ends is ended with the relay, on both sides.
func TestStopCutsOff(t *testing.T) {
	server, toServer := listen(t)
	near, toNear := listen(t)
	relay := NewRelay(near, toServer)
	client, err := toNear(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	served, err := server.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if err := relay.Stop(); err != nil {
		t.Error(err)
	}
	for who, connection := range map[string]net.Conn{"client": client, "server": served} {
		if _, err := connection.Read(make([]byte, 1)); err == nil || errors.Is(err, net.ErrClosed) {
			t.Errorf("the %s's connection goes on: %v", who, err)
		}
	}
}

// TestNobodyBehind: a client whose connection leads nowhere is not left waiting.
func TestNobodyBehind(t *testing.T) {
	near, toNear := listen(t)
	relay := NewRelay(near, func(context.Context) (net.Conn, error) { return nil, errors.New("nobody") })
	client, err := toNear(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Read(make([]byte, 1)); err == nil {
		t.Error("somebody answers")
	}
	if err := relay.Stop(); err != nil {
		t.Error(err)
	}
}
