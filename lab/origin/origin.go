// Package origin serves the names of the lab that are not load balancers, over HTTPS: where releases are fetched, AWS's
// APIs, RDS's certificates. One server presents for each name a certificate of its own.
package origin

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"usermanagement.dev/stack/lab/internal/pki"
)

const (
	port          = 443
	headerTimeout = 30 * time.Second
)

// Origin is the server.
type Origin struct {
	authority *pki.Authority
	socket    net.Listener
	server    *http.Server

	mu           sync.Mutex
	sites        []site
	certificates map[string]*tls.Certificate
}

// site is what answers under some names.
type site struct {
	serves  func(name string) bool
	handler http.Handler
}

// Start serves nothing yet. The authority signs the certificates.
func Start(authority *pki.Authority) (*Origin, error) {
	var listen net.ListenConfig
	socket, err := listen.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the lab's origin server: %w", err)
	}
	o := &Origin{authority: authority, socket: socket, certificates: map[string]*tls.Certificate{}}
	o.server = &http.Server{
		Handler: o, ReadHeaderTimeout: headerTimeout, ErrorLog: log.New(io.Discard, "", 0),
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: o.certificate},
	}
	o.Serve(socket)
	return o, nil
}

// Handle has a handler answer under the names for which serves says so.
func (o *Origin) Handle(serves func(name string) bool, handler http.Handler) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sites = append(o.sites, site{serves, handler})
}

// Serve serves on a further socket, until Stop.
func (o *Origin) Serve(socket net.Listener) {
	go o.server.ServeTLS(socket, "", "") //nolint:errcheck // ends with the server
}

// Address implements dns.Source.
func (o *Origin) Address(name string, asked int) (address string, ok bool) {
	if asked != port || o.handler(name) == nil {
		return "", false
	}
	return o.socket.Addr().String(), true
}

// Stop ends it.
func (o *Origin) Stop() error { return o.server.Close() }

func (o *Origin) handler(name string) http.Handler {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.sites {
		if s.serves(name) {
			return s.handler
		}
	}
	return nil
}

// ServeHTTP answers by the name that the request is for.
func (o *Origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := r.Host
	if host, _, err := net.SplitHostPort(r.Host); err == nil {
		name = host
	}
	handler := o.handler(strings.ToLower(name))
	if handler == nil {
		http.Error(w, "nothing is served under this name", http.StatusMisdirectedRequest)
		return
	}
	handler.ServeHTTP(w, r)
}

func (o *Origin) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if o.handler(hello.ServerName) == nil {
		return nil, fmt.Errorf("nothing is served as %q", hello.ServerName)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if c := o.certificates[hello.ServerName]; c != nil {
		return c, nil
	}
	pair, err := o.authority.Server(hello.ServerName)
	if err != nil {
		return nil, err
	}
	issued, err := pair.TLS()
	if err != nil {
		return nil, err
	}
	o.certificates[hello.ServerName] = &issued
	return &issued, nil
}
