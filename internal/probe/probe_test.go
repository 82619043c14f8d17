package probe

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/types"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/health"
	"usermanagement.dev/stack/internal/hostcontract"
	"usermanagement.dev/stack/lab/proxy"
)

// balancer leads each connection to the next of several hosts.
type balancer struct {
	hosts       []http.HandlerFunc
	connections atomic.Int64
	server      *httptest.Server
	proxy       *proxy.Proxy
	seen        sync.Map // Host header and SNI
}

type connectionKey struct{}

func newBalancer(t *testing.T, secure bool, hosts ...http.HandlerFunc) *balancer {
	t.Helper()
	b := &balancer{hosts: hosts}
	b.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.seen.Store(r.Host, true)
		if r.TLS != nil {
			b.seen.Store("sni "+r.TLS.ServerName, true)
		}
		connection, _ := r.Context().Value(connectionKey{}).(int64)
		b.hosts[connection%int64(len(b.hosts))](w, r)
	}))
	b.server.Config.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
		return context.WithValue(ctx, connectionKey{}, b.connections.Add(1))
	}
	b.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	if secure {
		b.server.StartTLS()
	} else {
		b.server.Start()
	}
	t.Cleanup(b.server.Close)
	var err error
	b.proxy, err = proxy.Start(func(hostport string) (string, error) {
		if !strings.HasPrefix(hostport, "lb.elb.amazonaws.com:") {
			return "", fmt.Errorf("no such host: %s", hostport)
		}
		return b.server.Listener.Addr().String(), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.proxy.Stop() })
	return b
}

func (b *balancer) asker(t *testing.T) asker {
	t.Helper()
	where, err := url.Parse(b.proxy.URL())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if certificate := b.server.Certificate(); certificate != nil {
		roots.AddCert(certificate)
	}
	return asker{proxy: http.ProxyURL(where), roots: roots}
}

// host is one that answers with its own document.
func host(code int, document hostcontract.Health) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(document)
	}
}

func fine(id string) http.HandlerFunc {
	return host(200, hostcontract.Health{Status: hostcontract.StatusOK, Version: "1.2.3", Host: id, Zone: "z"})
}

func target(domain string, hosts ...string) Target {
	return Target{Namespace: "team-a", Name: "prod", Address: "lb.elb.amazonaws.com", Domain: domain, Hosts: hosts}
}

func TestEveryHostIsMetByTheWayThatUsersGo(t *testing.T) {
	for _, domain := range []string{"", "example.com"} {
		b := newBalancer(t, domain != "", fine("a"), fine("b"), fine("c"))
		round := b.asker(t).round(t.Context(), target(domain, "a", "b", "c"))
		if !round.Complete([]string{"a", "b", "c"}) || round.Trouble != "" {
			t.Errorf("domain %q: %+v", domain, round)
		}
		if n := b.connections.Load(); n > 12 {
			t.Errorf("%d connections for three hosts", n)
		}
		name := "lb.elb.amazonaws.com"
		if domain != "" {
			name = domain
			if _, ok := b.seen.Load("sni " + domain); !ok {
				t.Error("the domain is not in TLS")
			}
		}
		if _, ok := b.seen.Load(name); !ok {
			t.Errorf("the Host header is not %s", name)
		}
	}
}

func TestWhatAnAnswerMeans(t *testing.T) {
	failing := hostcontract.Health{Status: hostcontract.StatusFailing, Host: "a", Checks: map[string]hostcontract.Check{
		"schema": {Status: hostcontract.StatusFailing}, "database": {Status: hostcontract.StatusFailing, Reason: "unreachable"},
		"disk": {Status: hostcontract.StatusOK, Reason: "no matter"},
	}}
	for _, c := range []struct {
		why     string
		handler http.HandlerFunc
		want    health.Answer
		trouble string
	}{
		{"healthy", fine("a"), health.Answer{Host: "a", Version: "1.2.3", Zone: "z", Good: true}, ""},
		{"failing", host(503, failing), health.Answer{Host: "a", Reason: "database: unreachable, schema"}, ""},
		{
			"draining", host(503, hostcontract.Health{Status: hostcontract.StatusDraining, Host: "a"}),
			health.Answer{Host: "a", Reason: "draining"},
			"",
		},
		{
			"says ok with an error", host(500, hostcontract.Health{Status: hostcontract.StatusOK, Host: "a"}),
			health.Answer{Host: "a", Reason: "ok"},
			"",
		},
		{
			"a host without a name", host(200, hostcontract.Health{Status: hostcontract.StatusOK}),
			health.Answer{},
			"the load balancer answers 200 itself",
		},
		{
			"a page", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusBadGateway) },
			health.Answer{},
			"the load balancer answers 502 itself",
		},
		{
			"a redirect is not followed", func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "/x", http.StatusFound)
			},
			health.Answer{},
			"the load balancer answers 302 itself",
		},
		{
			"more than a document", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20)) },
			health.Answer{},
			"the load balancer answers 200 itself",
		},
		{"nothing", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, health.Answer{}, "answer"},
	} {
		b := newBalancer(t, false, c.handler)
		round := b.asker(t).round(t.Context(), target("", "a"))
		if c.trouble != "" {
			if len(round.Answers) > 0 || !strings.Contains(round.Trouble, c.trouble) {
				t.Errorf("%s: %+v", c.why, round)
			}
			continue
		}
		if len(round.Answers) == 0 || round.Answers[0] != c.want {
			t.Errorf("%s: %+v", c.why, round)
		}
	}
}

func TestWhyABalancerCannotBeReached(t *testing.T) {
	b := newBalancer(t, true, fine("a"))
	good := b.asker(t)
	untrusted := asker{proxy: good.proxy, roots: x509.NewCertPool()}
	gone := target("example.com", "a")
	gone.Address = "gone.elb.amazonaws.com"
	for _, c := range []struct {
		why    string
		asker  asker
		target Target
		says   string
	}{
		{"another authority", untrusted, target("example.com", "a"), "its certificate is not trusted"},
		{"another name", good, target("users.example.org", "a"), "its certificate is not trusted"},
		{"no way through the proxy", good, gone, "the operator cannot reach the load balancer"},
		{"no such name", asker{}, Target{Address: "lb.invalid", Hosts: []string{"a"}}, "its name does not resolve"},
		{"nobody listens", asker{}, Target{Address: "127.0.0.1", Hosts: []string{"a"}}, "connection refused"},
	} {
		first, second := c.asker.round(t.Context(), c.target), c.asker.round(t.Context(), c.target)
		if !strings.Contains(first.Trouble, c.says) || first.Trouble != second.Trouble {
			t.Errorf("%s: %q, then %q", c.why, first.Trouble, second.Trouble)
		}
	}
}

// playing is a prober over hosts that a test plays, in time that a test plays too.
type playing struct {
	*Prober
	mu      sync.Mutex
	healthy bool
	asked   []time.Time
	woken   int
	most    int
	now     int
}

func play(ctx context.Context, workers int, takes time.Duration) *playing {
	p := &playing{Prober: New(Settings{Workers: workers}), healthy: true}
	p.Wake = func(context.Context, types.NamespacedName) { p.mu.Lock(); defer p.mu.Unlock(); p.woken++ }
	p.ask = func(_ context.Context, target Target) health.Round {
		p.mu.Lock()
		p.asked = append(p.asked, time.Now())
		p.now++
		p.most = max(p.most, p.now)
		healthy := p.healthy
		p.mu.Unlock()
		pass(takes)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.now--
		if !healthy {
			return health.Round{Answers: []health.Answer{{Host: "other", Good: true}}}
		}
		return health.Round{Answers: []health.Answer{{Host: target.Hosts[0], Good: true}}}
	}
	go func() { _ = p.Start(ctx) }()
	return p
}

// pass lets played time go by.
func pass(d time.Duration) { <-time.After(d) }

func (p *playing) counts() (asked, woken int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.asked), p.woken
}

func (p *playing) set(healthy bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.healthy = healthy
}

func TestAStackIsWokenByNewsAndAskedMoreOftenWhileThereIsSome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := play(t.Context(), 4, time.Millisecond)
		p.Look("uid", target("", "a"))
		pass(30 * time.Second)
		if _, woken := p.counts(); woken != 1 || p.Observed("uid").Hosts["a"].State != v1.HealthHealthy {
			t.Fatalf("woken %d times by a host that got healthy: %+v", woken, p.Observed("uid"))
		}
		before, _ := p.counts()
		pass(10 * time.Minute)
		if asked, woken := p.counts(); asked-before < 59 || asked-before > 61 || woken != 1 {
			t.Errorf("asked %d times in ten calm minutes, woken %d times", asked-before, woken)
		}
		p.set(false)
		pass(2 * DefaultInterval)
		if _, woken := p.counts(); woken != 2 || p.Observed("uid").Hosts["a"].State != v1.HealthNotAnswering {
			t.Errorf("a host that is gone is not told of within two intervals: %+v", p.Observed("uid"))
		}
		before, _ = p.counts()
		pass(time.Hour)
		if asked, woken := p.counts(); asked-before > 60*6+2*150 || woken != 2 {
			t.Errorf("asked %d times in an hour without news, woken %d times", asked-before, woken)
		}
		p.Forget("uid")
		pass(DefaultInterval)
		before, _ = p.counts()
		pass(time.Hour)
		if asked, _ := p.counts(); asked != before || len(p.Observed("uid").Hosts) > 0 {
			t.Error("a forgotten stack is asked")
		}
	})
}

func TestManyStacksAreAskedByFewAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := play(t.Context(), 8, 50*time.Millisecond)
		for i := range 500 {
			p.Look(types.UID(strconv.Itoa(i)), target("", "a"))
		}
		pass(time.Minute)
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.most != 8 {
			t.Errorf("%d rounds at the same time", p.most)
		}
		if p.woken != 500 {
			t.Errorf("%d of 500 stacks were woken", p.woken)
		}
	})
}

func TestHostsThatAreNewAreAskedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := play(t.Context(), 4, time.Millisecond)
		p.Look("uid", target("", "a"))
		pass(time.Minute)
		p.Look("uid", target("", "b"))
		pass(DefaultInterval)
		if state := p.Observed("uid").Hosts["b"].State; state != v1.HealthHealthy {
			t.Errorf("a new host is %s", state)
		}
	})
}
