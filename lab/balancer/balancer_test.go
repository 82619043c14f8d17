package balancer_test

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"usermanagement.dev/stack/lab/cloud"
	"usermanagement.dev/stack/lab/cloud/cloudtest"
)

func TestActions(t *testing.T) {
	s := newSite(t)
	s.await(s.host(says("app")), "initial") // nobody sends to the group yet, so nobody checks it
	toHTTPS := cloud.Action{Type: "redirect", Protocol: "HTTPS", Port: "443", StatusCode: "HTTP_301"}
	http80 := s.listen(80, "HTTP", toHTTPS)
	s.listen(443, "HTTPS", s.forward())

	t.Run("redirect", func(t *testing.T) {
		got := s.get("http://users.example.com/a%20b?q=1&r=%2F", nil)
		if want := "https://users.example.com:443/a%20b?q=1&r=%2F"; got.status != 301 || got.header.Get("Location") != want {
			t.Errorf("got %d to %q, want 301 to %q", got.status, got.header.Get("Location"), want)
		}
	})
	t.Run("HTTPS with the certificate, over HTTP/2", func(t *testing.T) {
		if got := s.get("https://users.example.com/", nil); got.status != 200 || got.body != "app" || got.proto != "HTTP/2.0" {
			t.Errorf("got %+v", got)
		}
		r := cloudtest.Must[*http.Request](t)(http.NewRequestWithContext(t.Context(), http.MethodGet, "https://other.example.com/", http.NoBody))
		if response, err := s.client().Do(r); err == nil {
			_ = response.Body.Close()
			t.Error("the certificate is good for another name")
		}
	})
	t.Run("fixed response", func(t *testing.T) {
		cloudtest.Must[cloud.Listener](t)(s.ModifyListener(t.Context(), http80.ARN, cloud.ListenerInput{Actions: []cloud.Action{{
			Type: "fixed-response", StatusCode: "410", ContentType: "text/plain", Body: "gone",
		}}}))
		s.until("the answer is fixed", func() bool {
			got := s.get("http://users.example.com/", nil)
			return got.status == 410 && got.body == "gone" && got.header.Get("Content-Type") == "text/plain"
		})
	})
	t.Run("closed port", func(t *testing.T) {
		check(t, s.DeleteListener(t.Context(), http80.ARN))
		s.until("the port is closed", func() bool {
			_, open := s.balancers.Address(s.lb.DNSName, 80)
			return !open
		})
	})
}

func TestHeaders(t *testing.T) {
	s := newSite(t)
	seen := make(chan *http.Request, 1)
	s.await(s.host(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/see" {
			seen <- r
		}
	}), "initial")
	s.listen(443, "HTTPS", s.forward())
	strict := map[string]string{"routing.http.drop_invalid_header_fields.enabled": "true"}
	check(t, s.ModifyLoadBalancerAttributes(t.Context(), s.lb.ARN, strict))
	s.get("https://users.example.com/see?a=;b", http.Header{
		"X-Forwarded-For": {"203.0.113.9"}, "X-Forwarded-Proto": {"gopher"}, "X_Odd": {"1"}, "Cookie": {"a=b"},
	})
	r := <-seen
	for name, want := range map[string]string{
		"X-Forwarded-For": "203.0.113.9, 127.0.0.1", "X-Forwarded-Proto": "https", "X-Forwarded-Port": "443",
		"X_Odd": "", "Cookie": "a=b",
	} {
		if got := strings.Join(r.Header.Values(name), "|"); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if r.Host != domain || r.URL.RawQuery != "a=;b" || !strings.HasPrefix(r.Header.Get("X-Amzn-Trace-Id"), "Root=1-") {
		t.Errorf("the host is %q, the query %q, the trace %q", r.Host, r.URL.RawQuery, r.Header.Get("X-Amzn-Trace-Id"))
	}
}

func TestRoundRobinOverHealthyTargets(t *testing.T) {
	s := newSite(t)
	var sick atomic.Bool
	a := s.host(says("a"))
	b := s.host(func(w http.ResponseWriter, r *http.Request) {
		if sick.Load() && r.URL.Path == "/health" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = io.WriteString(w, "b")
	})
	s.listen(80, "HTTP", s.forward())
	s.await(a, "healthy")
	s.await(b, "healthy")
	if got := s.spread(20); got["a"] != 10 || got["b"] != 10 {
		t.Errorf("20 requests went %v", got)
	}
	sick.Store(true)
	if reason := s.await(b, "unhealthy"); reason != "Target.ResponseCodeMismatch" {
		t.Errorf("b is unhealthy because of %q", reason)
	}
	if got := s.spread(20); got["a"] != 20 {
		t.Errorf("20 requests went %v while b was unhealthy", got)
	}
	sick.Store(false)
	s.await(b, "healthy")
	if got := s.spread(20); got["b"] != 10 {
		t.Errorf("20 requests went %v after b had recovered", got)
	}
}

// spread counts the answers to n requests.
func (s *site) spread(n int) map[string]int {
	counts := map[string]int{}
	for range n {
		counts[s.get("http://users.example.com/", nil).body]++
	}
	return counts
}

func TestWithoutAHealthyTargetAllAreTried(t *testing.T) {
	s := newSite(t)
	id := s.host(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/health" {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "served all the same")
	})
	s.listen(80, "HTTP", s.forward())
	s.await(id, "unhealthy")
	if got := s.get("http://users.example.com/", nil); got.status != 200 || got.body != "served all the same" {
		t.Errorf("got %+v", got)
	}
}

func TestFailures(t *testing.T) {
	s := newSite(t)
	s.listen(80, "HTTP", s.forward())
	if got := s.get("http://users.example.com/", nil); got.status != 503 || got.header.Get("Server") != "awselb/2.0" {
		t.Errorf("without targets: %+v", got)
	}
	check(t, s.ModifyLoadBalancerAttributes(t.Context(), s.lb.ARN, map[string]string{"idle_timeout.timeout_seconds": "1"}))
	var asked atomic.Int32
	id := s.host(func(_ http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/crash":
			asked.Add(1)
			panic(http.ErrAbortHandler)
		case "/hang":
			<-r.Context().Done()
		}
	})
	s.await(id, "healthy")
	s.get("http://users.example.com/", nil) // leaves a connection to be used again
	if got := s.get("http://users.example.com/crash", nil); got.status != 502 || asked.Load() != 1 {
		t.Errorf("a target that crashes: %d, asked %d times", got.status, asked.Load())
	}
	if got := s.get("http://users.example.com/hang", nil); got.status != 504 {
		t.Errorf("a target that hangs: %d", got.status)
	}
	s.mu.Lock()
	delete(s.addresses, id)
	s.mu.Unlock()
	if reason := s.await(id, "unhealthy"); reason != "Target.FailedHealthChecks" {
		t.Errorf("a host that is gone is unhealthy because of %q", reason)
	}
}

// TestDeregistration has a target leave while it answers a request: that one ends well, and no other reaches it.
func TestDeregistration(t *testing.T) {
	s := newSite(t)
	begun, finish := make(chan struct{}), make(chan struct{})
	leaving := s.host(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(begun)
			<-finish
		}
		_, _ = io.WriteString(w, "leaving")
	})
	s.listen(80, "HTTP", s.forward())
	s.await(leaving, "healthy")
	slow := make(chan answer, 1)
	go func() { slow <- s.get("http://users.example.com/slow", nil) }()
	<-begun
	staying := s.host(says("staying"))
	s.await(staying, "healthy")
	check(t, s.DeregisterTargets(t.Context(), s.group, []cloud.Target{{ID: leaving}}))
	s.until("no request reaches the leaving target", func() bool {
		return s.get("http://users.example.com/", nil).body == "staying"
	})
	if got := s.spread(10); got["staying"] != 10 {
		t.Errorf("10 requests went %v", got)
	}
	close(finish)
	if got := <-slow; got.status != 200 || got.body != "leaving" {
		t.Errorf("the request under way ended with %+v", got)
	}
}

// TestDrainEnds has a request outlast the deregistration delay.
func TestDrainEnds(t *testing.T) {
	s := newSite(t)
	begun := make(chan struct{})
	id := s.host(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(begun)
			<-r.Context().Done()
		}
	})
	s.listen(80, "HTTP", s.forward())
	s.await(id, "healthy")
	cut := make(chan answer, 1)
	go func() { cut <- s.get("http://users.example.com/slow", nil) }()
	<-begun
	check(t, s.DeregisterTargets(t.Context(), s.group, []cloud.Target{{ID: id}}))
	if got := <-cut; got.status != 502 {
		t.Errorf("the request ended with %+v", got)
	}
}
