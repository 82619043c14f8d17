package balancer_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"usermanagement.dev/stack/lab/balancer"
	"usermanagement.dev/stack/lab/cloud"
	"usermanagement.dev/stack/lab/cloud/cloudtest"
	"usermanagement.dev/stack/lab/internal/pki"
)

const (
	domain  = "users.example.com"
	appPort = 8080
	// patience bounds every wait; what is waited for takes milliseconds.
	patience = 30 * time.Second
)

// site is a load balancer of the model with a target group, served by the package under test.
type site struct {
	*cloud.Client
	t           *testing.T
	cloud       *cloud.Cloud
	balancers   *balancer.Balancers
	vpc, subnet string
	lb          cloud.LoadBalancer
	group       string
	roots       *x509.CertPool

	mu        sync.Mutex
	addresses map[string]string // of targets, by instance id
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newSite has a load balancer, a target group that checks /health, and no listener. Health checks are paced a thousand
// times as fast as AWS's.
func newSite(t *testing.T) *site {
	t.Helper()
	// Targets that leave are described as draining for longer than any test takes.
	latencies := cloud.Latencies{Settle: map[cloud.Op]time.Duration{cloud.OpDrain: time.Hour}}
	c := cloud.New(cloud.Options{HealthReported: true, Latencies: latencies})
	t.Cleanup(c.Close)
	s := &site{Client: c.Client(cloud.Caller{Region: "us-east-2"}), t: t, cloud: c, addresses: map[string]string{}}
	ctx := t.Context()
	s.vpc = cloudtest.Must[cloud.VPC](t)(s.CreateVPC(ctx, cloud.CreateVPCInput{CIDRBlock: "10.0.0.0/16"})).ID
	gateway := cloudtest.Must[cloud.InternetGateway](t)(s.CreateInternetGateway(ctx, nil)).ID
	check(t, s.AttachInternetGateway(ctx, gateway, s.vpc))
	var subnets []string
	for zone, block := range map[string]string{"us-east-2a": "10.0.1.0/24", "us-east-2b": "10.0.2.0/24"} {
		s.subnet = cloudtest.Must[cloud.Subnet](t)(s.CreateSubnet(ctx, cloud.CreateSubnetInput{VPCID: s.vpc, Zone: zone, CIDRBlock: block})).ID
		subnets = append(subnets, s.subnet)
	}
	s.lb = cloudtest.Must[cloud.LoadBalancer](t)(s.CreateLoadBalancer(ctx, cloud.CreateLoadBalancerInput{Name: "site", SubnetIDs: subnets}))
	health := cloud.HealthCheckChange{
		Path: new("/health"), IntervalSeconds: new(10), TimeoutSeconds: new(2), HealthyThreshold: new(2), UnhealthyThreshold: new(2),
	}
	s.group = cloudtest.Must[cloud.TargetGroup](t)(s.CreateTargetGroup(ctx, cloud.CreateTargetGroupInput{
		Name: "hosts", Protocol: "HTTP", Port: appPort, VPCID: s.vpc, Health: health,
	})).ARN
	authority := cloudtest.Must[*pki.Authority](t)(pki.LoadOrCreate(t.TempDir(), "test authority"))
	s.roots = x509.NewCertPool()
	s.roots.AppendCertsFromPEM(authority.PEM())
	s.balancers = balancer.Start(balancer.Options{
		Cloud: c, Target: s.target, Pace: 0.001,
		Certificate: func(string) (tls.Certificate, error) {
			pair, err := authority.Server(domain)
			if err != nil {
				return tls.Certificate{}, err
			}
			return pair.TLS()
		},
	})
	t.Cleanup(func() {
		if err := s.balancers.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *site) target(id string, port int) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	address, ok := s.addresses[id]
	return address, ok && port == appPort
}

// listen opens a port of the load balancer.
func (s *site) listen(port int, protocol string, action cloud.Action) cloud.Listener {
	s.t.Helper()
	in := cloud.ListenerInput{LoadBalancerARN: s.lb.ARN, Port: port, Protocol: protocol, Actions: []cloud.Action{action}}
	if protocol == "HTTPS" {
		in.Certificates = []string{cloudtest.Must[cloud.Certificate](s.t)(s.ImportCertificate(s.t.Context(), domain)).ARN}
		in.SSLPolicy = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"
	}
	return cloudtest.Must[cloud.Listener](s.t)(s.CreateListener(s.t.Context(), in))
}

func (s *site) forward() cloud.Action {
	return cloud.Action{Type: "forward", Targets: []cloud.ForwardTarget{{TargetGroupARN: s.group}}}
}

// host is a target: an instance whose app is a handler of the test.
func (s *site) host(handler http.HandlerFunc) (id string) {
	s.t.Helper()
	server := httptest.NewServer(handler)
	s.t.Cleanup(server.Close)
	id = cloudtest.Must[cloud.Instance](s.t)(s.RunInstance(s.t.Context(), cloud.RunInstanceInput{
		ImageID: "ami-0123456789abcdef0", InstanceType: "t3.micro", SubnetID: s.subnet,
	})).ID
	s.mu.Lock()
	s.addresses[id] = server.Listener.Addr().String()
	s.mu.Unlock()
	check(s.t, s.RegisterTargets(s.t.Context(), s.group, []cloud.Target{{ID: id}}))
	return id
}

// health is what the model says of a target.
func (s *site) health(id string) (health, reason string) {
	for _, g := range s.cloud.TargetGroups() {
		for _, target := range g.Targets {
			if target.ID == id {
				return target.Health, target.Reason
			}
		}
	}
	return "", ""
}

// await waits until a target's health is as wanted.
func (s *site) await(id, wanted string) (reason string) {
	s.t.Helper()
	health := ""
	s.until("the target is "+wanted, func() bool {
		health, reason = s.health(id)
		return health == wanted
	})
	return reason
}

func (s *site) until(what string, done func() bool) {
	s.t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-deadline:
			s.t.Fatalf("waited in vain until %s", what)
		case <-tick.C:
		}
	}
}

// client reaches the load balancer under every name, and follows no redirect.
func (s *site) client() *http.Client {
	return &http.Client{
		Timeout: patience,
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, hostport string) (net.Conn, error) {
				port := 80
				if strings.HasSuffix(hostport, ":443") {
					port = 443
				}
				address := ""
				s.until("a port is open", func() (ok bool) {
					address, ok = s.balancers.Address(s.lb.DNSName, port)
					return ok
				})
				var d net.Dialer
				return d.DialContext(ctx, network, address)
			},
			TLSClientConfig: &tls.Config{RootCAs: s.roots}, ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// answer is what a client got.
type answer struct {
	status int
	header http.Header
	body   string
	proto  string
}

func (s *site) get(url string, header http.Header) answer {
	s.t.Helper()
	r := cloudtest.Must[*http.Request](s.t)(http.NewRequestWithContext(s.t.Context(), http.MethodGet, url, http.NoBody))
	if header != nil {
		r.Header = header
	}
	return s.do(r)
}

func (s *site) do(r *http.Request) answer {
	s.t.Helper()
	client := s.client()
	defer client.CloseIdleConnections()
	response := cloudtest.Must[*http.Response](s.t)(client.Do(r)) //nolint:bodyclose // in the next line
	defer func() { _ = response.Body.Close() }()
	body := cloudtest.Must[[]byte](s.t)(io.ReadAll(response.Body))
	return answer{response.StatusCode, response.Header, string(body), response.Proto}
}

// says is a healthy app that answers with a text.
func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
}
