package dataplane_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"usermanagement.dev/stack/internal/hostcontract"
	"usermanagement.dev/stack/internal/userdata"
	"usermanagement.dev/stack/lab/cloud"
	"usermanagement.dev/stack/lab/cloud/cloudtest"
	"usermanagement.dev/stack/lab/dataplane"
	"usermanagement.dev/stack/lab/hosts"
)

// patience bounds every wait.
const patience = 30 * time.Second

// world is an account with a load balancer behind https://users.example.com, and its data plane.
type world struct {
	*cloud.Client
	t      *testing.T
	plane  *dataplane.DataPlane
	subnet string
	group  string
	client *http.Client
}

func newWorld(t *testing.T) *world {
	t.Helper()
	c := cloud.New(cloud.Options{HealthReported: true})
	t.Cleanup(c.Close)
	w := &world{Client: c.Client(cloud.Caller{Region: "us-east-2"}), t: t}
	w.plane = cloudtest.Must[*dataplane.DataPlane](t)(dataplane.Start(dataplane.Options{
		Cloud: c, Dir: t.TempDir(), Hosts: hosts.Simulated, Pace: 0.001,
	}))
	t.Cleanup(func() {
		if err := w.plane.Stop(); err != nil {
			t.Error(err)
		}
	})
	w.build(cloudtest.Must[string](t)(c.AddHostedZone("example.com")))
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(w.plane.CA())
	proxy := cloudtest.Must[*url.URL](t)(url.Parse(w.plane.ProxyURL()))
	w.client = &http.Client{
		Timeout:   patience,
		Transport: &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: roots}},
	}
	return w
}

// build makes the load balancer and what leads to it.
func (w *world) build(zone string) {
	t, ctx := w.t, w.t.Context()
	vpc := cloudtest.Must[cloud.VPC](t)(w.CreateVPC(ctx, cloud.CreateVPCInput{CIDRBlock: "10.0.0.0/16"})).ID
	gateway := cloudtest.Must[cloud.InternetGateway](t)(w.CreateInternetGateway(ctx, nil)).ID
	if err := w.AttachInternetGateway(ctx, gateway, vpc); err != nil {
		t.Fatal(err)
	}
	var subnets []string
	for zone, block := range map[string]string{"us-east-2a": "10.0.1.0/24", "us-east-2b": "10.0.2.0/24"} {
		w.subnet = cloudtest.Must[cloud.Subnet](t)(w.CreateSubnet(ctx, cloud.CreateSubnetInput{VPCID: vpc, Zone: zone, CIDRBlock: block})).ID
		subnets = append(subnets, w.subnet)
	}
	lb := cloudtest.Must[cloud.LoadBalancer](t)(w.CreateLoadBalancer(ctx, cloud.CreateLoadBalancerInput{Name: "alb", SubnetIDs: subnets}))
	health := cloud.HealthCheckChange{Path: new("/health"), HealthyThreshold: new(2)}
	w.group = cloudtest.Must[cloud.TargetGroup](t)(w.CreateTargetGroup(ctx, cloud.CreateTargetGroupInput{
		Name: "hosts", Protocol: "HTTP", Port: 8080, VPCID: vpc, Health: health,
	})).ARN
	certificate := cloudtest.Must[cloud.Certificate](t)(w.ImportCertificate(ctx, "users.example.com")).ARN
	cloudtest.Must[cloud.Listener](t)(w.CreateListener(ctx, cloud.ListenerInput{
		LoadBalancerARN: lb.ARN, Port: 443, Protocol: "HTTPS", Certificates: []string{certificate},
		Actions: []cloud.Action{{Type: "forward", Targets: []cloud.ForwardTarget{{TargetGroupARN: w.group}}}},
	}))
	cloudtest.Must[cloud.ChangeInfo](t)(w.ChangeRecordSet(ctx, zone, "CREATE", cloud.RecordSet{
		Name: "users.example.com", Type: "A", Alias: &cloud.Alias{DNSName: lb.DNSName, ZoneID: lb.ZoneID},
	}))
}

// host is a registered instance with the operator's own user data.
func (w *world) host(version string) (id string) {
	w.t.Helper()
	text := cloudtest.Must[[]byte](w.t)(userdata.Host{
		Release: userdata.Release{Version: version, URL: "https://releases.example.com/app", SHA256: strings.Repeat("0", 64)},
	}.Render())
	id = cloudtest.Must[cloud.Instance](w.t)(w.RunInstance(w.t.Context(), cloud.RunInstanceInput{
		ImageID: "ami-0123456789abcdef0", InstanceType: "t3.micro", SubnetID: w.subnet,
		UserData: base64.StdEncoding.EncodeToString(text),
	})).ID
	if err := w.RegisterTargets(w.t.Context(), w.group, []cloud.Target{{ID: id}}); err != nil {
		w.t.Fatal(err)
	}
	return id
}

func (w *world) get(address string) (status int, body string) {
	w.t.Helper()
	r := cloudtest.Must[*http.Request](w.t)(http.NewRequestWithContext(w.t.Context(), http.MethodGet, address, http.NoBody))
	response := cloudtest.Must[*http.Response](w.t)(w.client.Do(r)) //nolint:bodyclose // in the next line
	defer func() { _ = response.Body.Close() }()
	return response.StatusCode, string(cloudtest.Must[[]byte](w.t)(io.ReadAll(response.Body)))
}

// answering waits until the answers to /health name these hosts, by instance id, and no others, for ten answers in a row.
func (w *world) answering(wanted ...string) hostcontract.Health {
	w.t.Helper()
	var last hostcontract.Health
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		seen := map[string]bool{}
		for range 10 {
			status, body := w.get("https://users.example.com/health")
			if status != http.StatusOK || json.Unmarshal([]byte(body), &last) != nil {
				seen["none: "+body] = true
				continue
			}
			seen[last.Host] = true
		}
		good := len(seen) == len(wanted)
		for _, id := range wanted {
			good = good && seen[hostcontract.HostID(id)]
		}
		if good {
			return last
		}
	}
	w.t.Fatalf("waited in vain for answers of %v", wanted)
	return last
}

func TestSimulatedHosts(t *testing.T) {
	w := newWorld(t)
	a, b := w.host("1.4.0"), w.host("1.4.0")
	health := w.answering(a, b)
	if health.Version != "1.4.0" || !strings.HasPrefix(health.Zone, "us-east-2") || health.Status != hostcontract.StatusOK {
		t.Errorf("a host says %+v", health)
	}
	for _, behaviour := range []hosts.Behaviour{hosts.Unhealthy, hosts.Crashed} {
		w.plane.Simulation.Play(func(f hosts.Facts) hosts.Behaviour {
			if f.InstanceID == b {
				return behaviour
			}
			return hosts.Healthy
		})
		w.answering(a)
		w.plane.Simulation.Play(nil)
		w.answering(a, b)
	}
	if err := w.TerminateInstance(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	w.answering(a)
}

func TestProxyKnowsOnlyTheLab(t *testing.T) {
	w := newWorld(t)
	for _, address := range []string{"http://127.0.0.1:1/", "http://www.example.org/", "http://users.example.com:8080/"} {
		if status, body := w.get(address); status != http.StatusBadGateway || !strings.Contains(body, "leads nowhere in the lab") {
			t.Errorf("%s: %d %s", address, status, body)
		}
	}
	r := cloudtest.Must[*http.Request](t)(http.NewRequestWithContext(t.Context(), http.MethodGet, "https://www.example.org/", http.NoBody))
	if response, err := w.client.Do(r); err == nil {
		_ = response.Body.Close()
		t.Error("a tunnel out of the lab was made")
	}
}

func TestUserDataThatIsNotUnderstoodDoesNotBoot(t *testing.T) {
	for want, text := range map[string]string{
		"field bootcmd not found": "#cloud-config\nbootcmd: [ls]\n",
		"does not begin with":     "#!/bin/sh\n",
	} {
		i := cloud.Instance{ID: "i-1", UserData: base64.StdEncoding.EncodeToString([]byte(text))}
		if _, err := hosts.ReadUserData(i); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: the error is %v, want one with %q", text, err, want)
		}
	}
}
