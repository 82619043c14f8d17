package cloud

import (
	"context"
	"time"
)

// NATGateway lets a private subnet reach the internet.
type NATGateway struct {
	Meta
	ID, SubnetID, VPCID, AllocationID string
	Zone                              string
	ConnectivityType                  string // public, private
	State                             string // pending, available, failed, deleting, deleted
	FailureCode, FailureMessage       string
	InterfaceID, PrivateIP, PublicIP  string
	DeleteTime                        time.Time
}

func (n *NATGateway) object() Object { return Object{ID: n.ID, State: n.State} }

// forgetAfter is how long AWS goes on describing what is deleted, terminated or failed.
const forgetAfter = time.Hour

// CreateNATGatewayInput is what CreateNatGateway takes.
type CreateNATGatewayInput struct {
	SubnetID, AllocationID, ConnectivityType string
	Tags                                     Tags
}

// CreateNATGateway starts a NAT gateway. What is wrong with its address or its network shows only in the state, later.
func (c *Client) CreateNATGateway(ctx context.Context, in CreateNATGatewayInput) (NATGateway, error) {
	return call(ctx, c, "ec2:CreateNatGateway", func(t *tx) (NATGateway, error) {
		in.ConnectivityType = orDefault(in.ConnectivityType, "public")
		s, err := t.checkNATGateway(in)
		if err != nil {
			return NATGateway{}, err
		}
		n := &NATGateway{
			Meta: t.meta(in.Tags), ID: t.newID("nat"), SubnetID: s.ID, VPCID: s.VPCID, AllocationID: in.AllocationID,
			Zone: s.Zone, ConnectivityType: in.ConnectivityType, State: "pending",
		}
		t.db.natGateways[n.ID] = n
		eni := t.addInterface(s, nil, KindNATGateway, n.ID)
		n.InterfaceID, n.PrivateIP = eni.ID, eni.PrivateIP
		failure := t.natFailure(n)
		if a := t.db.addresses[in.AllocationID]; a != nil && failure == nil {
			a.UsedBy, n.PublicIP, eni.PublicIP = n.ID, a.PublicIP, a.PublicIP
		}
		t.emit(KindNATGateway, Created, n.ID, n.Meta)
		t.settle("ec2:CreateNatGateway", func(t *tx) { t.finishNAT(n, failure) })
		return *n, nil
	})
}

func (t *tx) checkNATGateway(in CreateNATGatewayInput) (*Subnet, error) {
	if in.SubnetID == "" {
		return nil, refuse("MissingParameter", "The request must contain the parameter SubnetId")
	}
	s, err := t.subnet(in.SubnetID)
	if err != nil {
		return nil, err
	}
	if in.ConnectivityType == "public" {
		if in.AllocationID == "" {
			return nil, refuse("MissingParameter", "The request must contain the parameter AllocationId")
		}
		if _, err := t.address(in.AllocationID); err != nil {
			return nil, err
		}
	}
	limit, used := t.cloud.quotas.NATGatewaysPerAZ, 0
	for _, n := range t.db.natGateways {
		if n.Zone == s.Zone && n.State != "deleted" && n.State != "failed" {
			used++
		}
	}
	if limit > 0 && used >= limit {
		return nil, refuse("NatGatewayLimitExceeded", "The maximum number of NAT gateways for %s has been reached.", s.Zone)
	}
	if t.freeIPs(s) < 1 {
		return nil, refuse("InsufficientFreeAddressesInSubnet", "The specified subnet does not have enough free addresses.")
	}
	return s, checkTags(in.Tags)
}

// natFailure says what will make a public gateway fail (AWS: Troubleshoot NAT gateways).
func (t *tx) natFailure(n *NATGateway) *APIError {
	if t.late != nil {
		return t.late
	}
	if n.ConnectivityType != "public" {
		return nil
	}
	if a := t.db.addresses[n.AllocationID]; a.UsedBy != "" {
		return &APIError{
			Code:    "Resource.AlreadyAssociated",
			Message: "Elastic IP address " + n.AllocationID + " is already associated",
		}
	}
	if t.gatewayOf(n.VPCID) == nil {
		return &APIError{Code: "Gateway.NotAttached", Message: "Network " + n.VPCID + " has no Internet gateway attached"}
	}
	return nil
}

func (t *tx) finishNAT(n *NATGateway, failure *APIError) {
	if n.State != "pending" {
		return
	}
	n.State = "available"
	if failure != nil {
		n.State, n.FailureCode, n.FailureMessage = "failed", failure.Code, failure.Message
		t.freeNAT(n)
		t.later(forgetAfter, func(t *tx) { t.goneNAT(n) })
	}
	t.emit(KindNATGateway, Changed, n.ID, n.Meta)
}

// freeNAT gives back the interface and the address of a gateway.
func (t *tx) freeNAT(n *NATGateway) {
	t.dropInterfaces(KindNATGateway, n.ID)
	if a := t.db.addresses[n.AllocationID]; a != nil && a.UsedBy == n.ID {
		a.UsedBy = ""
	}
}

func (t *tx) goneNAT(n *NATGateway) {
	n.State = "deleted"
	n.DeleteTime = t.now
	t.emit(KindNATGateway, Deleted, n.ID, n.Meta)
	t.later(forgetAfter, func(t *tx) { delete(t.db.natGateways, n.ID) })
}

func (t *tx) natGateway(id string) (*NATGateway, error) {
	n, ok := t.db.natGateways[id]
	if !ok || n.Region != t.caller.Region {
		return nil, refuse("NatGatewayNotFound", "The Nat Gateway %s was not found", id)
	}
	return n, nil
}

// DescribeNATGateway reads one gateway; a deleted one is remembered for an hour.
func (c *Client) DescribeNATGateway(ctx context.Context, id string) (NATGateway, error) {
	return call(ctx, c, "ec2:DescribeNatGateways", func(t *tx) (NATGateway, error) {
		n, err := t.natGateway(id)
		if err != nil {
			return NATGateway{}, err
		}
		return *n, nil
	})
}

// DeleteNATGateway starts the deletion of a gateway; its address and interface stay in use until it is done.
func (c *Client) DeleteNATGateway(ctx context.Context, id string) error {
	return do(ctx, c, "ec2:DeleteNatGateway", func(t *tx) error {
		n, err := t.natGateway(id)
		if err != nil {
			return err
		}
		if n.State == "deleting" || n.State == "deleted" {
			return nil
		}
		n.State = "deleting"
		t.emit(KindNATGateway, Changed, id, n.Meta)
		t.settle("ec2:DeleteNatGateway", func(t *tx) {
			if n.State == "deleting" {
				t.freeNAT(n)
				t.goneNAT(n)
			}
		})
		return nil
	})
}

// NATGateways lists all NAT gateways, deleted ones included as long as AWS describes them.
func (c *Cloud) NATGateways() []NATGateway {
	c.mu.Lock()
	defer c.mu.Unlock()
	return list(c.db.natGateways, nil)
}
