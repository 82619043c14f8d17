// Package proxy is an HTTP forward proxy on loopback through which programs reach the names of the lab as if they were
// in public DNS: the operator, hosts, curl, a browser. It connects to what a resolver says and to nothing else.
package proxy

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"time"

	"usermanagement.dev/stack/lab/internal/tunnel"
)

// Proxy is a running proxy.
type Proxy struct {
	resolve func(hostport string) (address string, err error)
	socket  net.Listener
	server  *http.Server
	forward *httputil.ReverseProxy
	dialer  net.Dialer
	cutOff  context.CancelFunc
}

const (
	headerTimeout  = 30 * time.Second
	connectTimeout = 10 * time.Second
)

// Start listens on a free port of loopback. What resolve refuses is refused with its error as the explanation.
func Start(resolve func(hostport string) (address string, err error)) (*Proxy, error) {
	var listen net.ListenConfig
	socket, err := listen.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the lab's proxy: %w", err)
	}
	ctx, cutOff := context.WithCancel(context.Background())
	p := &Proxy{resolve: resolve, socket: socket, dialer: net.Dialer{Timeout: connectTimeout}, cutOff: cutOff}
	silent := log.New(io.Discard, "", 0)
	p.forward = &httputil.ReverseProxy{
		Rewrite:   func(*httputil.ProxyRequest) {},
		Transport: &http.Transport{DialContext: p.dial, DisableCompression: true},
		ErrorLog:  silent,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, err.Error(), http.StatusBadGateway)
		},
	}
	p.server = &http.Server{
		Handler: p, ReadHeaderTimeout: headerTimeout, ErrorLog: silent, BaseContext: func(net.Listener) context.Context { return ctx },
	}
	go p.server.Serve(socket) //nolint:errcheck // ends with the server
	return p, nil
}

// URL is what clients take for their proxy.
func (p *Proxy) URL() string { return "http://" + p.socket.Addr().String() }

// Stop closes the proxy and cuts off what goes through it.
func (p *Proxy) Stop() error {
	err := p.server.Close()
	p.cutOff()
	return err
}

// ServeHTTP takes CONNECT, and requests with a whole URL (RFC 9110, 7.1).
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodConnect:
		p.connect(w, r)
	case r.URL.IsAbs():
		p.forward.ServeHTTP(w, r)
	default:
		http.Error(w, "this is the proxy of a lab: use it as one, for example curl --proxy "+p.URL(), http.StatusBadRequest)
	}
}

// dial connects to what a name stands for.
func (p *Proxy) dial(ctx context.Context, network, hostport string) (net.Conn, error) {
	address, err := p.resolve(hostport)
	if err != nil {
		return nil, err
	}
	return p.dialer.DialContext(ctx, network, address)
}

// connect makes a tunnel.
func (p *Proxy) connect(w http.ResponseWriter, r *http.Request) {
	far, err := p.dial(r.Context(), "tcp", r.Host)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	near, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		_ = far.Close()
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if _, err := near.Write([]byte("HTTP/1.1 200 Connection established\r\n\r\n")); err != nil {
		_, _ = near.Close(), far.Close()
		return
	}
	tunnel.Carry(r.Context(), near, buffered, far) // until the proxy stops, whose context it is
}
