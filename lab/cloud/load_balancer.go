package cloud

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// LoadBalancer is an application load balancer.
type LoadBalancer struct {
	Meta
	Name, ARN, Scheme, Type, IPAddressType string
	DNSName, ZoneID, VPCID                 string
	State, StateReason                     string // provisioning, active, failed
	SubnetIDs, Groups                      []string
	Attributes                             map[string]string
	CreatedTime                            time.Time
}

func (l *LoadBalancer) object() Object { return Object{ID: l.ARN, State: l.State} }

// elbZones are the hosted zones of load balancers (Elastic Load Balancing endpoints page).
var elbZones = map[string]string{
	"us-east-1": "Z35SXDOTRQ7X7K", "us-east-2": "Z3AADJGX6KTTL2", "us-west-1": "Z368ELLRRE2KJ0", "us-west-2": "Z1H1FL5HABSF5",
	"eu-central-1": "Z215JYRZR1TBD5", "eu-west-1": "Z32O12XQLNTSW2", "eu-west-2": "ZHURV8PSTC4K8",
	"ap-southeast-1": "Z1LMS91P8CMLE5", "ap-southeast-2": "Z1GM3OXH4ZPM65", "ap-northeast-1": "Z14GRHDCWA56QT",
}

// defaultLBAttributes are those of a new application load balancer.
func defaultLBAttributes() map[string]string {
	return map[string]string{
		"deletion_protection.enabled": "false", "access_logs.s3.enabled": "false", "access_logs.s3.bucket": "",
		"access_logs.s3.prefix": "", "idle_timeout.timeout_seconds": "60", "routing.http2.enabled": "true",
		"routing.http.drop_invalid_header_fields.enabled": "false", "routing.http.desync_mitigation_mode": "defensive",
		"routing.http.xff_client_port.enabled": "false", "routing.http.preserve_host_header.enabled": "false",
		"routing.http.xff_header_processing.mode": "append", "load_balancing.cross_zone.enabled": "true",
		"routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false", "waf.fail_open.enabled": "false",
		"client_keep_alive.seconds": "3600", "zonal_shift.config.enabled": "false", "connection_logs.s3.enabled": "false",
		"connection_logs.s3.bucket": "", "connection_logs.s3.prefix": "", "ipv6.deny_all_igw_traffic": "false",
	}
}

var elbNames = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?$`)

// checkELBName applies the rules that load balancers and target groups share.
func checkELBName(what, name string) error {
	if !elbNames.MatchString(name) {
		return refuse("ValidationError", "The %s name '%s' is not valid: up to 32 alphanumeric characters or hyphens, not beginning or "+
			"ending with a hyphen", what, name)
	}
	return nil
}

// CreateLoadBalancerInput is what CreateLoadBalancer takes for an application load balancer.
type CreateLoadBalancerInput struct {
	Name, Scheme, Type, IPAddressType string
	SubnetIDs, Groups                 []string
	Tags                              Tags
}

// CreateLoadBalancer starts a load balancer. Asking again with the same settings answers with the one that exists.
func (c *Client) CreateLoadBalancer(ctx context.Context, in CreateLoadBalancerInput) (LoadBalancer, error) {
	return call(ctx, c, "elbv2:CreateLoadBalancer", func(t *tx) (LoadBalancer, error) {
		in.Scheme, in.Type = orDefault(in.Scheme, "internet-facing"), orDefault(in.Type, "application")
		in.IPAddressType = orDefault(in.IPAddressType, "ipv4")
		vpcID, err := t.checkLoadBalancer(in)
		if err != nil {
			return LoadBalancer{}, err
		}
		if old := t.loadBalancerNamed(in.Name); old != nil {
			if old.Scheme == in.Scheme && sameSet(old.SubnetIDs, in.SubnetIDs) && sameSet(old.Groups, in.Groups) {
				return *old, nil
			}
			return LoadBalancer{}, refuse("DuplicateLoadBalancerName", "A load balancer with the same name '%s' exists, but with "+
				"different settings", in.Name)
		}
		lb := t.addLoadBalancer(in, vpcID)
		failure := t.late
		t.settle("elbv2:CreateLoadBalancer", func(t *tx) {
			if lb.State != "provisioning" {
				return
			}
			lb.State = "active"
			if failure != nil {
				lb.State, lb.StateReason = "failed", failure.Message
			}
			t.emit(KindLoadBalancer, Changed, lb.ARN, lb.Meta)
		})
		return *lb, nil
	})
}

func sameSet(a, b []string) bool {
	x, y := slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(x, y)
}

func (t *tx) addLoadBalancer(in CreateLoadBalancerInput, vpcID string) *LoadBalancer {
	dns := in.Name + "-" + t.pick("0123456789", 10) + "." + t.caller.Region + ".elb.amazonaws.com"
	if in.Scheme == "internal" {
		dns = "internal-" + dns
	}
	lb := &LoadBalancer{
		Meta: t.meta(in.Tags), Name: in.Name, ARN: t.arn("elasticloadbalancing", "loadbalancer/app/"+in.Name+"/"+t.hex(16)),
		Scheme: in.Scheme, Type: in.Type, IPAddressType: in.IPAddressType, DNSName: dns,
		ZoneID: orDefault(elbZones[t.caller.Region], "Z00000000ELBZONE"), VPCID: vpcID, State: "provisioning",
		SubnetIDs: slices.Clone(in.SubnetIDs), Groups: slices.Clone(in.Groups), Attributes: defaultLBAttributes(), CreatedTime: t.now,
	}
	if len(lb.Groups) == 0 {
		lb.Groups = []string{t.db.vpcs[vpcID].DefaultSecurityGroup}
	}
	for _, id := range lb.SubnetIDs {
		eni := t.addInterface(t.db.subnets[id], lb.Groups, KindLoadBalancer, lb.ARN)
		if lb.Scheme == "internet-facing" {
			eni.PublicIP = t.publicAddress()
		}
	}
	t.db.loadBalancers[lb.ARN] = lb
	t.emit(KindLoadBalancer, Created, lb.ARN, lb.Meta)
	return lb
}

func (t *tx) checkLoadBalancer(in CreateLoadBalancerInput) (vpcID string, err error) {
	if err := checkELBName("load balancer", in.Name); err != nil {
		return "", err
	}
	if strings.HasPrefix(in.Name, "internal-") {
		return "", refuse("ValidationError", "The load balancer name '%s' cannot begin with 'internal-'", in.Name)
	}
	if in.Scheme != "internet-facing" && in.Scheme != "internal" {
		return "", refuse("InvalidScheme", "The scheme '%s' is not valid", in.Scheme)
	}
	if in.Type != "application" {
		return "", refuse("ValidationError", "Load balancer type '%s' is not known to this model, which has only 'application'", in.Type)
	}
	if vpcID, err = t.elbSubnets(in.SubnetIDs); err != nil {
		return "", err
	}
	if in.Scheme == "internet-facing" && t.gatewayOf(vpcID) == nil {
		return "", refuse("InvalidSubnet", "VPC %s has no internet gateway", vpcID)
	}
	if err := t.elbGroups(in.Groups, vpcID); err != nil {
		return "", err
	}
	return vpcID, checkTags(in.Tags)
}

// elbSubnets finds the one VPC of a load balancer's subnets.
func (t *tx) elbSubnets(ids []string) (vpcID string, err error) {
	zones := map[string]bool{}
	for _, id := range ids {
		s, err := t.subnet(id)
		if err != nil {
			return "", refuse("SubnetNotFound", "The subnet ID '%s' does not exist", id)
		}
		if zones[s.Zone] {
			return "", refuse("InvalidConfigurationRequest", "A load balancer cannot be attached to multiple subnets in the same "+
				"Availability Zone")
		}
		if vpcID != "" && s.VPCID != vpcID {
			return "", refuse("InvalidConfigurationRequest", "All subnets must belong to the same VPC: '%s'", vpcID)
		}
		if t.freeIPs(s) < 8 {
			return "", refuse("InvalidSubnet", "Not enough IP space available in %s. ELB requires at least 8 free IP addresses in each "+
				"subnet.", id)
		}
		vpcID, zones[s.Zone] = s.VPCID, true
	}
	if len(zones) < 2 {
		return "", refuse("ValidationError", "At least two subnets in two different Availability Zones must be specified")
	}
	return vpcID, nil
}

func (t *tx) elbGroups(ids []string, vpcID string) error {
	for _, id := range ids {
		g, err := t.securityGroup(id)
		if err != nil {
			return refuse("InvalidSecurityGroup", "The security group '%s' does not exist", id)
		}
		if g.VPCID != vpcID {
			return refuse("InvalidConfigurationRequest", "One or more security groups are invalid: %s is not in VPC %s", id, vpcID)
		}
	}
	return nil
}

func (t *tx) loadBalancerNamed(name string) *LoadBalancer {
	for _, lb := range t.db.loadBalancers {
		if lb.Name == name && lb.Region == t.caller.Region {
			return lb
		}
	}
	return nil
}

func (t *tx) loadBalancer(arn string) (*LoadBalancer, error) {
	lb, ok := t.db.loadBalancers[arn]
	if !ok || lb.Region != t.caller.Region {
		return nil, refuse("LoadBalancerNotFound", "One or more load balancers not found")
	}
	return lb, nil
}

// DescribeLoadBalancer reads a load balancer by name.
func (c *Client) DescribeLoadBalancer(ctx context.Context, name string) (LoadBalancer, error) {
	return call(ctx, c, "elbv2:DescribeLoadBalancers", func(t *tx) (LoadBalancer, error) {
		lb := t.loadBalancerNamed(name)
		if lb == nil {
			return LoadBalancer{}, refuse("LoadBalancerNotFound", "Load balancers '[%s]' not found", name)
		}
		return *lb, nil
	})
}

// changeLoadBalancer is a call that changes a load balancer.
func (c *Client) changeLoadBalancer(ctx context.Context, op Op, arn string, fn func(*tx, *LoadBalancer) error) error {
	return do(ctx, c, op, func(t *tx) error {
		lb, err := t.loadBalancer(arn)
		if err != nil {
			return err
		}
		if err := fn(t, lb); err != nil {
			return err
		}
		t.emit(KindLoadBalancer, Changed, arn, lb.Meta)
		return nil
	})
}

// ModifyLoadBalancerAttributes sets attributes; the others stay as they are.
func (c *Client) ModifyLoadBalancerAttributes(ctx context.Context, arn string, attributes map[string]string) error {
	return c.changeLoadBalancer(ctx, "elbv2:ModifyLoadBalancerAttributes", arn, func(_ *tx, lb *LoadBalancer) error {
		changed := maps.Clone(lb.Attributes)
		for key, value := range attributes {
			if _, known := changed[key]; !known {
				return refuse("ValidationError", "Load balancer attribute key '%s' is not recognized", key)
			}
			changed[key] = value
		}
		lb.Attributes = changed
		return nil
	})
}

// SetSecurityGroups replaces the groups of a load balancer.
func (c *Client) SetSecurityGroups(ctx context.Context, arn string, groups []string) error {
	return c.changeLoadBalancer(ctx, "elbv2:SetSecurityGroups", arn, func(t *tx, lb *LoadBalancer) error {
		if len(groups) == 0 {
			return refuse("ValidationError", "At least one security group must be specified")
		}
		if err := t.elbGroups(groups, lb.VPCID); err != nil {
			return err
		}
		lb.Groups = slices.Clone(groups)
		t.setGroups(KindLoadBalancer, arn, groups)
		return nil
	})
}

// SetIPAddressType changes between ipv4 and dualstack.
func (c *Client) SetIPAddressType(ctx context.Context, arn, addressType string) error {
	return c.changeLoadBalancer(ctx, "elbv2:SetIpAddressType", arn, func(_ *tx, lb *LoadBalancer) error {
		if err := oneOf("IpAddressType", addressType, "ipv4", "dualstack"); err != nil {
			return err
		}
		lb.IPAddressType = addressType
		return nil
	})
}

// DeleteLoadBalancer deletes a load balancer with its listeners. It is no longer described at once, but its network
// interfaces stay for a while. Deleting what is gone succeeds.
func (c *Client) DeleteLoadBalancer(ctx context.Context, arn string) error {
	return do(ctx, c, "elbv2:DeleteLoadBalancer", func(t *tx) error {
		lb, err := t.loadBalancer(arn)
		if err != nil {
			return nil //nolint:nilerr // AWS: no error if it does not exist
		}
		if lb.Attributes["deletion_protection.enabled"] == "true" {
			return refuse("OperationNotPermitted", "Load balancer '%s' cannot be deleted because deletion protection is enabled", arn)
		}
		for _, l := range t.listenersOf(arn) {
			t.dropListener(l)
		}
		delete(t.db.loadBalancers, arn)
		t.emit(KindLoadBalancer, Deleted, arn, lb.Meta)
		t.settle("elbv2:DeleteLoadBalancer", func(t *tx) { t.dropInterfaces(KindLoadBalancer, arn) })
		return nil
	})
}

// LoadBalancers lists all load balancers.
func (c *Cloud) LoadBalancers() []LoadBalancer {
	c.mu.Lock()
	defer c.mu.Unlock()
	return list(c.db.loadBalancers, nil)
}
