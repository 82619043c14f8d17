package acksim

import (
	"context"
	"errors"

	"usermanagement.dev/stack/lab/cloud"
)

// natGatewayKind is ec2 NATGateway. While it is pending every read fails, which shows as Recoverable and is retried with
// the error backoff; a failed one is looked at every 30 s for ever. Only its tags can be changed.
func natGatewayKind() *kind {
	return &kind{
		name: "NATGateway", service: "ec2",
		terminal: []string{"InvalidSubnet", "InvalidElasticIpID.Malformed", "MissingParameter"},
		gone:     []string{"NatGatewayNotFound"},
		references: []reference{
			{from: "vpcRef", into: "vpcID", kind: "VPC", value: "status.vpcID"},
			{from: "subnetRef", into: "subnetID", kind: "Subnet", value: "status.subnetID"},
			{from: "allocationRef", into: "allocationID", kind: "ElasticIPAddress", value: "status.allocationID"},
		},
		compared: append(fields("availabilityMode", "connectivityType", "subnetID", "vpcID"), tagged()),
		synced:   func(o *object) bool { return text(o.status(), "state") == "available" },
		identify: func(o *object, f map[string]string) { put(o.status(), "natGatewayID", f["natGatewayID"]) },
		read:     readNATGateway,
		create: func(ctx context.Context, p *pass, desired *object) (*object, error) {
			spec := desired.spec()
			n, err := p.aws.CreateNATGateway(ctx, cloud.CreateNATGatewayInput{
				SubnetID: text(spec, "subnetID"), AllocationID: text(spec, "allocationID"),
				ConnectivityType: text(spec, "connectivityType"), Tags: p.createTags(desired),
			})
			if err != nil {
				return nil, err
			}
			return p.showNATGateway(desired.copy(), n), nil
		},
		update: func(ctx context.Context, p *pass, desired, latest *object, changed delta) (*object, error) {
			updated := desired.copy()
			updated.setStatus(latest)
			if !changed.has("tags") {
				return updated, nil
			}
			return updated, p.syncTags(ctx, text(latest.status(), "natGatewayID"), desired, latest)
		},
		remove: func(ctx context.Context, p *pass, latest *object) error {
			return p.aws.DeleteNATGateway(ctx, text(latest.status(), "natGatewayID"))
		},
	}
}

func readNATGateway(ctx context.Context, p *pass, desired *object) (*object, error) {
	id := text(desired.status(), "natGatewayID")
	if id == "" {
		return nil, errNotFound
	}
	n, err := p.aws.DescribeNATGateway(ctx, id)
	if err != nil {
		return nil, err
	}
	switch n.State {
	case "deleted":
		return nil, errNotFound
	case "pending":
		return nil, errors.New("resource is pending")
	}
	return p.showNATGateway(desired.copy(), n), nil
}

func (p *pass) showNATGateway(o *object, n cloud.NATGateway) *object {
	spec, status := o.spec(), o.status()
	spec["availabilityMode"], spec["connectivityType"] = "zonal", n.ConnectivityType
	spec["subnetID"], spec["vpcID"] = n.SubnetID, n.VPCID
	p.showTags(o, n.Tags)
	status["natGatewayID"], status["state"], status["vpcID"] = n.ID, n.State, n.VPCID
	put(status, "createTime", stamp(n.Created))
	put(status, "deleteTime", stamp(n.DeleteTime))
	put(status, "failureCode", n.FailureCode)
	put(status, "failureMessage", n.FailureMessage)
	address := tree{"networkInterfaceID": n.InterfaceID, "privateIP": n.PrivateIP}
	put(address, "allocationID", n.AllocationID)
	put(address, "publicIP", n.PublicIP)
	status["natGatewayAddresses"] = []any{address}
	return o
}
