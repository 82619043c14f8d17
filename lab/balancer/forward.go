package balancer

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// connectTimeout is how long a load balancer waits for a target to take a connection.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html
const connectTimeout = 10 * time.Second

// errDrained cuts off a request that a target has not finished within the deregistration delay.
var errDrained = errors.New("the deregistration delay is over")

// forward sends a request to one of the group's targets. It is sent once: what a target has got and not answered is the
// client's to repeat.
func (g *group) forward(w http.ResponseWriter, r *http.Request, s *settings) {
	t := g.pick()
	if t == nil {
		answer(w, http.StatusServiceUnavailable)
		return
	}
	ctx, done := t.begin(r.Context())
	defer done()
	state := g.state.Load()
	proxy := httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL.Scheme, p.Out.URL.Host = state.scheme, t.key.String()
			p.Out.URL.RawQuery = p.In.URL.RawQuery
			p.Out.Host = p.In.Host
			forwardHeader(p, s)
		},
		Transport: state.transport,
		ErrorLog:  log.New(io.Discard, "", 0),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			if r.Context().Err() != nil {
				return // the client has gone
			}
			answer(w, failure(err))
		},
	}
	proxy.ServeHTTP(w, r.WithContext(ctx))
}

// failure is what a client gets for a target that failed.
func failure(err error) int {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return http.StatusGatewayTimeout
	}
	return http.StatusBadGateway
}

var validHeader = regexp.MustCompile(`^[-A-Za-z0-9]+$`)

// forwardHeader is what a target gets to see of the client and of the balancer.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/x-forwarded-headers.html
func forwardHeader(p *httputil.ProxyRequest, s *settings) {
	header := p.Out.Header
	if s.balancer.Attributes["routing.http.drop_invalid_header_fields.enabled"] == "true" {
		for name := range header {
			if !validHeader.MatchString(name) {
				delete(header, name)
			}
		}
	}
	client, _, err := net.SplitHostPort(p.In.RemoteAddr)
	if err != nil {
		client = p.In.RemoteAddr
	}
	before := p.In.Header.Values("X-Forwarded-For")
	switch s.balancer.Attributes["routing.http.xff_header_processing.mode"] {
	case "remove":
	case "preserve":
		header["X-Forwarded-For"] = before
	default:
		header.Set("X-Forwarded-For", strings.Join(append(slices.Clip(before), client), ", "))
	}
	header.Set("X-Forwarded-Proto", strings.ToLower(s.listener.Protocol))
	header.Set("X-Forwarded-Port", strconv.Itoa(s.listener.Port))
	if header.Get("X-Amzn-Trace-Id") == "" {
		header.Set("X-Amzn-Trace-Id", traceID())
	}
	if header.Get("User-Agent") == "" {
		header["User-Agent"] = nil // none rather than Go's
	}
}

func traceID() string {
	id := make([]byte, 12)
	_, _ = rand.Read(id) // crypto/rand.Read never fails: it ends the program instead
	return fmt.Sprintf("Root=1-%08x-%s", time.Now().Unix(), hex.EncodeToString(id))
}

// once is a transport that does not repeat a request by itself, which Go's does with those that look harmless.
type once struct{ transport *http.Transport }

// RoundTrip gives a request a body that is empty but cannot be had again: then it is not repeated.
func (o once) RoundTrip(r *http.Request) (*http.Response, error) {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		if r.Body == nil || r.Body == http.NoBody {
			r = r.Clone(r.Context())
			r.Body = io.NopCloser(strings.NewReader(""))
			r.GetBody = nil
		}
	default:
	}
	return o.transport.RoundTrip(r)
}

// newTransport reaches targets by their keys. Certificates of targets are not verified: AWS does not either.
func newTransport(o Options, idle time.Duration) once {
	return once{&http.Transport{
		DialContext: func(ctx context.Context, _, key string) (net.Conn, error) {
			at, err := parseKey(key)
			if err != nil {
				return nil, err
			}
			address, ok := o.Target(at.id, at.port)
			if !ok {
				return nil, fmt.Errorf("nothing listens on %s", key)
			}
			ctx, cancel := context.WithTimeout(ctx, connectTimeout)
			defer cancel()
			return o.Dial(ctx, at.id, address)
		},
		TLSClientConfig:       unverified(),
		ResponseHeaderTimeout: idle, IdleConnTimeout: idle,
		MaxIdleConnsPerHost: 256, DisableCompression: true,
	}}
}
