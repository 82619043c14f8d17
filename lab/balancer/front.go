package balancer

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"usermanagement.dev/stack/lab/cloud"
)

// settings are all that a request to a port depends on.
type settings struct {
	balancer cloud.LoadBalancer
	listener cloud.Listener
	groups   map[string]*group // by ARN
}

// shape is what cannot change while a port is open.
type shape struct {
	tls, http2 bool
	idle       time.Duration
}

func shapeOf(s settings) shape {
	return shape{
		tls: s.listener.Protocol == "HTTPS", http2: s.balancer.Attributes["routing.http2.enabled"] == "true",
		idle: idleTimeout(s.balancer),
	}
}

// idleTimeout is how long a connection may stand without a byte, towards clients and towards targets.
func idleTimeout(lb cloud.LoadBalancer) time.Duration {
	seconds, err := strconv.Atoi(lb.Attributes["idle_timeout.timeout_seconds"])
	if err != nil || seconds < 1 {
		return time.Minute // AWS's default
	}
	return time.Duration(seconds) * time.Second
}

// front is an open port of a load balancer.
type front struct {
	shape    shape
	settings atomic.Pointer[settings]
	socket   net.Listener
	server   *http.Server
}

// retireTimeout is how long requests may go on after their listener is gone.
const retireTimeout = 10 * time.Second

func onLoopback(cloud.LoadBalancer, int) (net.Listener, error) {
	var listen net.ListenConfig
	return listen.Listen(context.Background(), "tcp", "127.0.0.1:0")
}

func open(s settings, o Options) (*front, error) {
	socket, err := o.Listen(s.balancer, s.listener.Port)
	if err != nil {
		return nil, fmt.Errorf("open a port for %s: %w", s.balancer.Name, err)
	}
	f := &front{shape: shapeOf(s), socket: socket}
	f.settings.Store(&s)
	f.server = &http.Server{
		Handler: f, ReadHeaderTimeout: f.shape.idle, IdleTimeout: f.shape.idle,
		ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
	}
	if !f.shape.tls {
		go f.server.Serve(socket) //nolint:errcheck // ends with the server
		return f, nil
	}
	f.server.TLSConfig = f.tlsConfig(o)
	if !f.shape.http2 {
		f.server.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){}
	}
	go f.server.ServeTLS(socket, "", "") //nolint:errcheck // ends with the server
	return f, nil
}

func (f *front) tlsConfig(o Options) *tls.Config {
	configured := &tls.Config{MinVersion: tls.VersionTLS12}
	configured.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		l := f.settings.Load().listener
		certificate, err := o.Certificate(l.Certificates[0])
		if err != nil {
			return nil, err
		}
		protocols := []string{"http/1.1"}
		if f.shape.http2 {
			protocols = []string{"h2", "http/1.1"}
		}
		return &tls.Config{
			MinVersion: oldestTLS(l.SSLPolicy), Certificates: []tls.Certificate{certificate}, NextProtos: protocols,
		}, nil
	}
	return configured
}

// oldestTLS is the oldest version that a policy allows.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
func oldestTLS(policy string) uint16 {
	switch {
	case strings.HasPrefix(policy, "ELBSecurityPolicy-TLS13-1-3-"):
		return tls.VersionTLS13
	case strings.Contains(policy, "-1-2-"):
		return tls.VersionTLS12
	default:
		return tls.VersionTLS10
	}
}

// retire closes the port and lets requests under way finish.
func (f *front) retire() {
	ctx, cancel := context.WithTimeout(context.Background(), retireTimeout)
	defer cancel()
	if f.server.Shutdown(ctx) != nil {
		_ = f.server.Close()
	}
}
