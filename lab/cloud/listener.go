package cloud

import (
	"context"
	"slices"
)

// ForwardTarget is one weighted target group of a forward action.
type ForwardTarget struct {
	TargetGroupARN string
	Weight         int
}

// Action is what a listener does with a request: forward it, redirect it or answer by itself.
type Action struct {
	Type  string // forward, redirect, fixed-response
	Order int
	// Forward
	Targets       []ForwardTarget
	Sticky        bool
	StickySeconds int
	// Redirect
	Protocol, Port, Host, Path, Query, StatusCode string
	// Fixed response; StatusCode as above
	ContentType, Body string
}

// Listener is a port of a load balancer.
type Listener struct {
	Meta
	ARN, LoadBalancerARN string
	Port                 int
	Protocol, SSLPolicy  string
	Certificates         []string
	Actions              []Action
	ALPNPolicy           []string
	MutualTLSMode        string
}

func (l *Listener) object() Object { return Object{ID: l.ARN} }

func (l *Listener) targetGroups() []string {
	var arns []string
	for _, a := range l.Actions {
		for _, target := range a.Targets {
			arns = append(arns, target.TargetGroupARN)
		}
	}
	return arns
}

// sslPolicies are the security policies that the model knows.
var sslPolicies = []string{
	"ELBSecurityPolicy-2016-08", "ELBSecurityPolicy-TLS13-1-2-2021-06", "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
	"ELBSecurityPolicy-TLS13-1-3-2021-06", "ELBSecurityPolicy-TLS-1-2-2017-01", "ELBSecurityPolicy-TLS-1-2-Ext-2018-06",
	"ELBSecurityPolicy-FS-1-2-Res-2020-10", "ELBSecurityPolicy-TLS13-1-2-Ext1-2021-06", "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09",
	"ELBSecurityPolicy-TLS13-1-2-PQ-2025-09",
}

// ListenerInput is what CreateListener and ModifyListener take.
type ListenerInput struct {
	LoadBalancerARN     string // CreateListener only
	Port                int
	Protocol, SSLPolicy string
	Certificates        []string
	Actions             []Action
	Tags                Tags // CreateListener only
}

// CreateListener opens a port of a load balancer.
func (c *Client) CreateListener(ctx context.Context, in ListenerInput) (Listener, error) {
	return call(ctx, c, "elbv2:CreateListener", func(t *tx) (Listener, error) {
		lb, err := t.loadBalancer(in.LoadBalancerARN)
		if err != nil {
			return Listener{}, err
		}
		if err := checkTags(in.Tags); err != nil {
			return Listener{}, err
		}
		l := &Listener{Meta: t.meta(in.Tags), LoadBalancerARN: lb.ARN, MutualTLSMode: "off"}
		l.ARN = "arn:aws:elasticloadbalancing:" + l.Region + ":" + t.cloud.account + ":listener/app/" + lb.Name + "/" +
			lb.ARN[len(lb.ARN)-16:] + "/" + t.hex(16)
		if err := t.configure(l, lb, in); err != nil {
			return Listener{}, err
		}
		t.db.listeners[l.ARN] = l
		t.emit(KindListener, Created, l.ARN, l.Meta)
		return *l, nil
	})
}

// configure checks and takes over the settings of a listener; zero values leave it as it is.
func (t *tx) configure(l *Listener, lb *LoadBalancer, in ListenerInput) error {
	next := *l
	if in.Port != 0 {
		next.Port = in.Port
	}
	next.Protocol = orDefault(in.Protocol, l.Protocol)
	next.SSLPolicy = orDefault(in.SSLPolicy, l.SSLPolicy)
	if len(in.Certificates) > 0 {
		next.Certificates = slices.Clone(in.Certificates)
	}
	if len(in.Actions) > 0 {
		next.Actions = canonicalActions(in.Actions)
	}
	if err := t.checkListener(&next, lb); err != nil {
		return err
	}
	*l = next
	return nil
}

func (t *tx) checkListener(l *Listener, lb *LoadBalancer) error {
	if l.Port < 1 || l.Port > 65535 {
		return refuse("ValidationError", "Port '%d' must be between 1 and 65535", l.Port)
	}
	for _, other := range t.listenersOf(lb.ARN) {
		if other.Port == l.Port && other.ARN != l.ARN {
			return refuse("DuplicateListener", "A listener already exists on this port for this load balancer '%s'", lb.ARN)
		}
	}
	switch l.Protocol {
	case "HTTP":
		if len(l.Certificates) > 0 || l.SSLPolicy != "" {
			return refuse("InvalidConfigurationRequest", "Certificates and SSL policies are not supported for HTTP listeners")
		}
	case "HTTPS":
		if err := t.checkTLS(l); err != nil {
			return err
		}
	default:
		return refuse("UnsupportedProtocol", "Listener protocol '%s' must be one of 'HTTP, HTTPS' for an application load balancer", l.Protocol)
	}
	if len(l.Actions) == 0 {
		return refuse("ValidationError", "A listener must have a default action")
	}
	for _, a := range l.Actions {
		if err := t.checkAction(a, lb); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) checkTLS(l *Listener) error {
	if len(l.Certificates) == 0 {
		return refuse("ValidationError", "A certificate must be specified for HTTPS listeners")
	}
	if len(l.Certificates) > 1 {
		return refuse("TooManyCertificates", "You can specify only one default certificate")
	}
	cert := t.db.certificates[l.Certificates[0]]
	if cert == nil || cert.Region != l.Region {
		return refuse("CertificateNotFound", "Certificate '%s' not found", l.Certificates[0])
	}
	if cert.Status != "ISSUED" {
		return refuse("UnsupportedCertificate", "The certificate '%s' must have a fully-qualified domain name, a supported signature, and "+
			"a supported key size.", cert.ARN)
	}
	l.SSLPolicy = orDefault(l.SSLPolicy, "ELBSecurityPolicy-2016-08")
	if !slices.Contains(sslPolicies, l.SSLPolicy) {
		return refuse("SSLPolicyNotFound", "SSL policy '%s' not found", l.SSLPolicy)
	}
	return nil
}

func (t *tx) checkAction(a Action, lb *LoadBalancer) error {
	switch a.Type {
	case "forward":
		return t.checkForward(a, lb)
	case "redirect":
		if a.StatusCode != "HTTP_301" && a.StatusCode != "HTTP_302" {
			return refuse("InvalidLoadBalancerAction", "The redirect status code '%s' must be HTTP_301 or HTTP_302", a.StatusCode)
		}
		if a.Protocol == "#{protocol}" && a.Port == "#{port}" && a.Host == "#{host}" && a.Path == "/#{path}" && a.Query == "#{query}" {
			return refuse("InvalidLoadBalancerAction", "The RedirectConfig must modify at least one of protocol, port, host, path or query "+
				"to avoid a redirect loop")
		}
	case "fixed-response":
		if len(a.StatusCode) != 3 || !slices.Contains([]byte("245"), a.StatusCode[0]) || len(a.Body) > 1024 {
			return refuse("InvalidLoadBalancerAction", "The fixed response needs a status code of 2XX, 4XX or 5XX and at most 1024 bytes")
		}
	default:
		return refuse("InvalidLoadBalancerAction", "The action type '%s' is not supported", a.Type)
	}
	return nil
}

func (t *tx) checkForward(a Action, lb *LoadBalancer) error {
	if len(a.Targets) == 0 || len(a.Targets) > 5 {
		return refuse("ValidationError", "A forward action needs one to five target groups")
	}
	for _, target := range a.Targets {
		g, err := t.targetGroup(target.TargetGroupARN)
		if err != nil {
			return err
		}
		if g.VPCID != lb.VPCID {
			return refuse("InvalidConfigurationRequest", "The target group '%s' is not in the VPC of the load balancer", g.ARN)
		}
		for _, other := range t.balancersOf(g.ARN) {
			if other != lb.ARN {
				return refuse("TargetGroupAssociationLimit", "The following target groups cannot be associated with more than one load "+
					"balancer: %s", g.ARN)
			}
		}
	}
	return nil
}

// canonicalActions brings actions into the form that Describe answers with.
func canonicalActions(actions []Action) []Action {
	canonical := slices.Clone(actions)
	for i, a := range canonical {
		switch a.Type {
		case "forward":
			targets := slices.Clone(a.Targets)
			if len(targets) == 1 && targets[0].Weight == 0 {
				targets[0].Weight = 1
			}
			a.Targets = targets
		case "redirect":
			a.Protocol, a.Port = orDefault(a.Protocol, "#{protocol}"), orDefault(a.Port, "#{port}")
			a.Host, a.Path = orDefault(a.Host, "#{host}"), orDefault(a.Path, "/#{path}")
			a.Query = orDefault(a.Query, "#{query}")
		}
		canonical[i] = a
	}
	return canonical
}

func (t *tx) listenersOf(lbARN string) []*Listener {
	var found []*Listener
	for _, l := range t.db.listeners {
		if l.LoadBalancerARN == lbARN {
			found = append(found, l)
		}
	}
	return found
}

func (t *tx) listener(arn string) (*Listener, error) {
	l, ok := t.db.listeners[arn]
	if !ok || l.Region != t.caller.Region {
		return nil, refuse("ListenerNotFound", "One or more listeners not found")
	}
	return l, nil
}

// DescribeListener reads a listener.
func (c *Client) DescribeListener(ctx context.Context, arn string) (Listener, error) {
	return call(ctx, c, "elbv2:DescribeListeners", func(t *tx) (Listener, error) {
		l, err := t.listener(arn)
		if err != nil {
			return Listener{}, err
		}
		return *l, nil
	})
}

// ModifyListener changes a listener; zero values leave it as it is.
func (c *Client) ModifyListener(ctx context.Context, arn string, in ListenerInput) (Listener, error) {
	return call(ctx, c, "elbv2:ModifyListener", func(t *tx) (Listener, error) {
		l, err := t.listener(arn)
		if err != nil {
			return Listener{}, err
		}
		if err := t.configure(l, t.db.loadBalancers[l.LoadBalancerARN], in); err != nil {
			return Listener{}, err
		}
		t.emit(KindListener, Changed, arn, l.Meta)
		return *l, nil
	})
}

func (t *tx) dropListener(l *Listener) {
	delete(t.db.listeners, l.ARN)
	t.emit(KindListener, Deleted, l.ARN, l.Meta)
}

// DeleteListener closes a port.
func (c *Client) DeleteListener(ctx context.Context, arn string) error {
	return do(ctx, c, "elbv2:DeleteListener", func(t *tx) error {
		l, err := t.listener(arn)
		if err != nil {
			return err
		}
		t.dropListener(l)
		return nil
	})
}

// Listeners lists all listeners.
func (c *Cloud) Listeners() []Listener {
	c.mu.Lock()
	defer c.mu.Unlock()
	return list(c.db.listeners, nil)
}
