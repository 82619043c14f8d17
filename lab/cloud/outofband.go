package cloud

import (
	"context"
	"fmt"
)

// TerminateInstance ends an instance behind everyone's back, whatever its termination protection says.
func (c *Cloud) TerminateInstance(id string) error {
	var err error
	c.change(func(t *tx) {
		i, ok := t.db.instances[id]
		if !ok {
			err = fmt.Errorf("terminating instance %q: no such instance", id)
			return
		}
		i.StateReasonCode = "Server.SpotInstanceTermination"
		i.StateReason = "Server.InternalError: Internal error on launch"
		if i.State != "shutting-down" && i.State != "terminated" {
			t.shutDown(i)
		}
	})
	return err
}

// FailNATGateway makes an available gateway fail, as AWS does when the hardware under it does.
func (c *Cloud) FailNATGateway(id, code, message string) error {
	var err error
	c.change(func(t *tx) {
		n, ok := t.db.natGateways[id]
		if !ok {
			err = fmt.Errorf("failing NAT gateway %q: no such gateway", id)
			return
		}
		n.State, n.FailureCode, n.FailureMessage = "failed", code, message
		t.freeNAT(n)
		t.emit(KindNATGateway, Changed, id, n.Meta)
	})
	return err
}

// FailOver swaps the zones of a Multi-AZ database.
func (c *Cloud) FailOver(region, identifier string) error {
	var err error
	c.change(func(t *tx) {
		d := t.db.dbInstances[regional(region, identifier)]
		if d == nil || !d.MultiAZ {
			err = fmt.Errorf("failing over database %q in %s: no Multi-AZ database of that name", identifier, region)
			return
		}
		d.Zone, d.SecondaryZone = d.SecondaryZone, d.Zone
		t.emit(KindDBInstance, Changed, identifier, d.Meta)
	})
	return err
}

// UpgradeMinor moves a database to a version, as automatic minor upgrades do.
func (c *Cloud) UpgradeMinor(region, identifier, version string) error {
	var err error
	c.change(func(t *tx) {
		d := t.db.dbInstances[regional(region, identifier)]
		if d == nil {
			err = fmt.Errorf("upgrading database %q in %s: no such database", identifier, region)
			return
		}
		d.EngineVersion = version
		t.emit(KindDBInstance, Changed, identifier, d.Meta)
	})
	return err
}

// SetDBStatus puts a database into a status, for example "storage-full" or "incompatible-network".
func (c *Cloud) SetDBStatus(region, identifier, status string) error {
	var err error
	c.change(func(t *tx) {
		d := t.db.dbInstances[regional(region, identifier)]
		if d == nil {
			err = fmt.Errorf("setting the status of database %q in %s: no such database", identifier, region)
			return
		}
		d.Status = status
		t.emit(KindDBInstance, Changed, identifier, d.Meta)
	})
	return err
}

// RotateMasterPassword gives a database with a managed password a new one and puts it into its secret.
func (c *Cloud) RotateMasterPassword(region, identifier string) error {
	var err error
	c.change(func(t *tx) {
		d := t.db.dbInstances[regional(region, identifier)]
		if d == nil || d.MasterSecretARN == "" {
			err = fmt.Errorf("rotating the password of database %q in %s: no such database with a managed password", identifier, region)
			return
		}
		d.password = t.pick(alphaNumeric, 28)
		s := t.db.secrets[d.MasterSecretARN]
		s.value = fmt.Sprintf(`{"username":%q,"password":%q}`, d.MasterUsername, d.password)
		s.VersionID = t.uuid()
		t.emit(KindSecret, Changed, s.ARN, s.Meta)
		t.emit(KindDBInstance, Changed, identifier, d.Meta)
	})
	return err
}

// Vanish removes a thing out of band without asking what depends on it, as no API would. The id is that of Object.
func (c *Cloud) Vanish(kind Kind, region, id string) error {
	err := fmt.Errorf("removing %s %q in %s: no such thing", kind, id, region)
	c.change(func(t *tx) {
		meta := t.db.metaOf(kind, region, id)
		if meta == nil {
			return
		}
		err = t.vanish(kind, region, id)
		t.emit(kind, Deleted, id, *meta)
	})
	return err
}

func (t *tx) vanish(kind Kind, region, id string) error {
	t.dropInterfaces(kind, id)
	switch kind {
	case KindVPC:
		delete(t.db.vpcs, id)
	case KindSubnet:
		t.dropAssociation(id)
		delete(t.db.subnets, id)
	case KindInternetGateway:
		delete(t.db.gateways, id)
	case KindElasticIP:
		delete(t.db.addresses, id)
	case KindNATGateway:
		t.freeNAT(t.db.natGateways[id])
		delete(t.db.natGateways, id)
	case KindRouteTable:
		delete(t.db.routeTables, id)
	case KindSecurityGroup:
		delete(t.db.securityGroups, id)
	case KindInstance:
		delete(t.db.instances, id)
		t.dropTargets(id)
	case KindRole:
		delete(t.db.roles, id)
	case KindPolicy:
		delete(t.db.policies, id)
	case KindInstanceProfile:
		delete(t.db.profiles, id)
	case KindSecret:
		delete(t.db.secrets, id)
	default:
		return t.vanishMore(kind, region, id)
	}
	return nil
}

func (t *tx) vanishMore(kind Kind, region, id string) error {
	switch kind {
	case KindDBSubnetGroup:
		delete(t.db.subnetGroups, regional(region, id))
	case KindDBParameterGroup:
		delete(t.db.parameterGroups, regional(region, id))
	case KindDBInstance:
		t.dropDB(t.db.dbInstances[regional(region, id)])
	case KindCertificate:
		delete(t.db.certificates, id)
	case KindLoadBalancer:
		for _, l := range t.listenersOf(id) {
			t.dropListener(l)
		}
		delete(t.db.loadBalancers, id)
	case KindTargetGroup:
		delete(t.db.targetGroups, id)
	case KindListener:
		delete(t.db.listeners, id)
	default:
		return fmt.Errorf("removing %s %q: use the API for this kind", kind, id)
	}
	return nil
}

// ExpireCertificate ends the validation of a pending certificate as AWS does after 72 hours, or fails it with a reason.
func (c *Cloud) ExpireCertificate(arn, failureReason string) error {
	var err error
	c.change(func(t *tx) {
		cert := t.db.certificates[arn]
		if cert == nil || cert.Status != "PENDING_VALIDATION" {
			err = fmt.Errorf("expiring certificate %q: no such pending certificate", arn)
			return
		}
		status := "VALIDATION_TIMED_OUT"
		if failureReason != "" {
			status = "FAILED"
		}
		t.endValidation(cert, status, failureReason)
	})
	return err
}

// Use runs a few API calls as a person at the console would: with no owner, in region.
func (c *Cloud) Use(ctx context.Context, region string, fn func(context.Context, *Client) error) error {
	return fn(ctx, c.Client(Caller{Region: region}))
}
