package cloud

import (
	"context"
	"regexp"
	"slices"
	"strings"
)

// DBSubnetGroup says in which subnets a database may live.
type DBSubnetGroup struct {
	Meta
	Name, Description, ARN, VPCID string
	SubnetIDs                     []string
	Status                        string
}

func (g *DBSubnetGroup) object() Object { return Object{ID: g.Name} }

var (
	dbGroupNames     = regexp.MustCompile(`^[a-z0-9. _-]{1,255}$`)
	parameterGroupID = regexp.MustCompile(`^[a-z]([a-z0-9-]{0,253}[a-z0-9])?$`)
)

// CreateDBSubnetGroup makes a group over subnets of one VPC in at least two zones. RDS stores the name in lower case.
func (c *Client) CreateDBSubnetGroup(ctx context.Context, name, description string, subnets []string, tags Tags) (
	DBSubnetGroup, error,
) {
	return call(ctx, c, "rds:CreateDBSubnetGroup", func(t *tx) (DBSubnetGroup, error) {
		name := strings.ToLower(name)
		if !dbGroupNames.MatchString(name) || name == "default" {
			return DBSubnetGroup{}, refuse("InvalidParameterValue", "The parameter DBSubnetGroupName is not a valid identifier: %s", name)
		}
		if description == "" {
			return DBSubnetGroup{}, refuse("MissingParameter", "The request must contain the parameter DBSubnetGroupDescription")
		}
		if _, ok := t.db.subnetGroups[regional(t.caller.Region, name)]; ok {
			return DBSubnetGroup{}, refuse("DBSubnetGroupAlreadyExists", "The DB subnet group '%s' already exists.", name)
		}
		vpcID, err := t.coveredBy(subnets)
		if err != nil {
			return DBSubnetGroup{}, err
		}
		if err := checkTags(tags); err != nil {
			return DBSubnetGroup{}, err
		}
		g := &DBSubnetGroup{
			Meta: t.meta(tags), Name: name, Description: description, ARN: t.arn("rds", "subgrp:"+name), VPCID: vpcID,
			SubnetIDs: slices.Clone(subnets), Status: "Complete",
		}
		t.db.subnetGroups[regional(g.Region, name)] = g
		t.emit(KindDBSubnetGroup, Created, name, g.Meta)
		return *g, nil
	})
}

// coveredBy checks the subnets of a group and names their VPC.
func (t *tx) coveredBy(ids []string) (vpcID string, err error) {
	zones := map[string]bool{}
	for _, id := range ids {
		s, err := t.subnet(id)
		if err != nil {
			return "", refuse("InvalidSubnet", "Subnet IDs are required or not found: %s", id)
		}
		if vpcID != "" && s.VPCID != vpcID {
			return "", refuse("InvalidSubnet", "The subnets of a DB subnet group must be in the same VPC")
		}
		vpcID, zones[s.Zone] = s.VPCID, true
	}
	if len(zones) < 2 {
		var covered []string
		for zone := range zones {
			covered = append(covered, zone)
		}
		return "", refuse("DBSubnetGroupDoesNotCoverEnoughAZs", "The DB subnet group doesn't meet Availability Zone (AZ) coverage "+
			"requirement. Current AZ coverage: %s. Add subnets to cover at least 2 AZs.", strings.Join(covered, ", "))
	}
	return vpcID, nil
}

func (t *tx) dbSubnetGroup(name string) (*DBSubnetGroup, error) {
	g, ok := t.db.subnetGroups[regional(t.caller.Region, strings.ToLower(name))]
	if !ok {
		return nil, refuse("DBSubnetGroupNotFoundFault", "DB subnet group '%s' not found.", name)
	}
	return g, nil
}

// DescribeDBSubnetGroup reads a group.
func (c *Client) DescribeDBSubnetGroup(ctx context.Context, name string) (DBSubnetGroup, error) {
	return call(ctx, c, "rds:DescribeDBSubnetGroups", func(t *tx) (DBSubnetGroup, error) {
		g, err := t.dbSubnetGroup(name)
		if err != nil {
			return DBSubnetGroup{}, err
		}
		return *g, nil
	})
}

// ModifyDBSubnetGroup replaces description and subnets. A subnet with a database in it cannot be taken out.
func (c *Client) ModifyDBSubnetGroup(ctx context.Context, name, description string, subnets []string) (DBSubnetGroup, error) {
	return call(ctx, c, "rds:ModifyDBSubnetGroup", func(t *tx) (DBSubnetGroup, error) {
		g, err := t.dbSubnetGroup(name)
		if err != nil {
			return DBSubnetGroup{}, err
		}
		vpcID, err := t.coveredBy(subnets)
		if err != nil {
			return DBSubnetGroup{}, err
		}
		if vpcID != g.VPCID {
			return DBSubnetGroup{}, refuse("InvalidSubnet", "The new subnets are not in the same VPC as the existing subnet group %s", name)
		}
		for _, n := range t.db.interfaces {
			if n.Of == KindDBInstance && slices.Contains(g.SubnetIDs, n.SubnetID) && !slices.Contains(subnets, n.SubnetID) {
				return DBSubnetGroup{}, refuse("SubnetAlreadyInUse", "Subnet %s is currently in use by database instance %s", n.SubnetID, n.OfID)
			}
		}
		g.SubnetIDs = slices.Clone(subnets)
		g.Description = orDefault(description, g.Description)
		t.emit(KindDBSubnetGroup, Changed, g.Name, g.Meta)
		return *g, nil
	})
}

// DeleteDBSubnetGroup deletes a group that no database uses, not even one that is being deleted.
func (c *Client) DeleteDBSubnetGroup(ctx context.Context, name string) error {
	return do(ctx, c, "rds:DeleteDBSubnetGroup", func(t *tx) error {
		g, err := t.dbSubnetGroup(name)
		if err != nil {
			return err
		}
		for _, d := range t.db.dbInstances {
			if d.Region == g.Region && d.SubnetGroup == g.Name {
				return refuse("InvalidDBSubnetGroupStateFault", "Cannot delete the subnet group '%s' because at least one database "+
					"instance: %s is still using it.", g.Name, d.Identifier)
			}
		}
		delete(t.db.subnetGroups, regional(g.Region, g.Name))
		t.emit(KindDBSubnetGroup, Deleted, g.Name, g.Meta)
		return nil
	})
}

// DBSubnetGroups lists all DB subnet groups.
func (c *Cloud) DBSubnetGroups() []DBSubnetGroup {
	c.mu.Lock()
	defer c.mu.Unlock()
	return list(c.db.subnetGroups, nil)
}
