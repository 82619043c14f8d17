package server_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
)

// TestAConnectionInStoreDoesNotKeepAHost opens a connection and asks nothing, as browsers do, while the host ends. The bound is
// the one that the app gives itself for that.
func TestAConnectionInStoreDoesNotKeepAHost(t *testing.T) {
	h := newHost(t)
	var listen net.ListenConfig
	l, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- h.srv.Serve(l) }()
	var dial net.Dialer
	stored, err := dial.DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stored.Close() }()
	// Connections are taken in order: once this one is answered, the one before is the server's too.
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Addr().String()+"/livez", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := (&http.Client{Transport: &http.Transport{}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	ctx, cancel := context.WithTimeout(context.Background(), h.cfg.ShutdownWait)
	defer cancel()
	if err := h.srv.Shutdown(ctx); err != nil {
		t.Errorf("the host does not end: %v", err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}
