package cloud

import (
	"context"
	"net/netip"
	"slices"
	"strings"
)

// Alias makes a record answer with the addresses of another AWS resource.
type Alias struct {
	DNSName, ZoneID      string
	EvaluateTargetHealth bool
}

// RecordSet is a set of DNS records of one name and type.
type RecordSet struct {
	Meta
	ZoneID, Name, Type, SetIdentifier string
	TTL                               int
	Values                            []string
	Alias                             *Alias
	implicit                          bool
}

func (r *RecordSet) object() Object {
	return Object{ID: r.ZoneID + "/" + r.key(), Implicit: r.implicit}
}

func (r *RecordSet) key() string { return recordKey(r.Name, r.Type, r.SetIdentifier) }

func recordKey(name, kind, set string) string { return fqdn(name) + "/" + kind + "/" + set }

// same reports whether two sets have the same values, which DELETE wants.
func (r *RecordSet) same(other RecordSet) bool {
	if (r.Alias == nil) != (other.Alias == nil) {
		return false
	}
	if r.Alias != nil {
		return *r.Alias == *other.Alias
	}
	return r.TTL == other.TTL && slices.Equal(r.Values, other.Values)
}

// ChangeRecordSet creates ("CREATE"), replaces ("UPSERT") or deletes ("DELETE") one record set.
func (c *Client) ChangeRecordSet(ctx context.Context, zoneID, action string, r RecordSet) (ChangeInfo, error) {
	return call(ctx, c, "route53:ChangeResourceRecordSets", func(t *tx) (ChangeInfo, error) {
		z, err := t.zone(zoneID)
		if err != nil {
			return ChangeInfo{}, err
		}
		r.Name, r.ZoneID = fqdn(r.Name), z.ID
		if r.Alias != nil {
			alias := *r.Alias
			alias.DNSName = fqdn(alias.DNSName)
			r.Alias = &alias
		}
		old := z.records[r.key()]
		if err := t.checkRecordChange(z, action, r, old); err != nil {
			return ChangeInfo{}, err
		}
		t.applyRecord(z, action, r, old)
		change := &ChangeInfo{ID: "/change/C" + t.pick("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 20), Status: "PENDING", Submitted: t.now}
		t.db.changes[change.ID] = change
		t.settle("route53:ChangeResourceRecordSets", func(t *tx) {
			change.Status = "INSYNC"
			t.revalidate()
		})
		return *change, nil
	})
}

func (t *tx) applyRecord(z *HostedZone, action string, r RecordSet, old *RecordSet) {
	if action == "DELETE" {
		delete(z.records, r.key())
		t.emit(KindRecordSet, Deleted, old.object().ID, old.Meta)
		return
	}
	change := Created
	r.Meta = t.meta(nil)
	if old != nil {
		change, r.Meta, r.implicit = Changed, old.Meta, old.implicit
	}
	z.records[r.key()] = &r
	t.emit(KindRecordSet, change, r.object().ID, r.Meta)
}

// revalidate lets ACM look again at what it is waiting for.
func (t *tx) revalidate() {
	for _, cert := range t.db.certificates {
		t.validate(cert)
	}
}

func (t *tx) checkRecordChange(z *HostedZone, action string, r RecordSet, old *RecordSet) error {
	if !inZone(r.Name, z.Name) {
		return invalid("RRSet with DNS name %s is not permitted in zone %s", r.Name, z.Name)
	}
	switch action {
	case "DELETE":
		return checkRecordDelete(r, old)
	case "CREATE", "UPSERT":
	default:
		return refuse("InvalidInput", "Invalid XML ; action must be CREATE, UPSERT or DELETE")
	}
	if action == "CREATE" && old != nil {
		return invalid("Tried to create resource record set [name='%s', type='%s'] but it already exists", r.Name, r.Type)
	}
	if err := checkRecordName(z, r); err != nil {
		return err
	}
	return t.checkRecordValues(r)
}

func invalid(format string, args ...any) error {
	return refuse("InvalidChangeBatch", "["+format+"]", args...)
}

func checkRecordDelete(r RecordSet, old *RecordSet) error {
	switch {
	case old == nil:
		return invalid("Tried to delete resource record set [name='%s', type='%s'] but it was not found", r.Name, r.Type)
	case old.implicit:
		return invalid("A HostedZone must contain at least one %s record for the zone itself.", r.Type)
	case !old.same(r):
		return invalid("Tried to delete resource record set [name='%s', type='%s'] but the values provided do not match the current "+
			"values", r.Name, r.Type)
	}
	return nil
}

// checkRecordName keeps a CNAME from a zone's top and from the side of other records.
func checkRecordName(z *HostedZone, r RecordSet) error {
	if r.Type == "CNAME" && r.Name == z.Name {
		return invalid("RRSet of type CNAME with DNS name %s is not permitted at apex in zone %s", r.Name, z.Name)
	}
	for _, other := range z.records {
		if other.Name == r.Name && other.Type != r.Type && (other.Type == "CNAME" || r.Type == "CNAME") {
			return invalid("RRSet of type %s with DNS name %s is not permitted because a conflicting RRSet of type %s with the same DNS "+
				"name already exists in zone %s", r.Type, r.Name, other.Type, z.Name)
		}
	}
	return nil
}

func (t *tx) checkRecordValues(r RecordSet) error {
	switch {
	case !slices.Contains([]string{"A", "AAAA", "CNAME", "TXT", "MX", "NS", "SRV", "CAA", "PTR"}, r.Type):
		return refuse("InvalidInput", "Invalid record type %s", r.Type)
	case r.Alias != nil && (len(r.Values) > 0 || r.TTL != 0):
		return refuse("InvalidInput", "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords]]")
	case r.Alias != nil:
		return t.checkAlias(r)
	case len(r.Values) == 0 || r.TTL <= 0:
		return refuse("InvalidInput", "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords]]")
	case r.Type == "CNAME" && len(r.Values) > 1:
		return refuse("InvalidChangeBatch", "[Invalid Resource Record: CNAME with more than one value]")
	}
	return checkAddresses(r)
}

func checkAddresses(r RecordSet) error {
	for _, value := range r.Values {
		addr, err := netip.ParseAddr(value)
		if r.Type == "A" && (err != nil || !addr.Is4()) || r.Type == "AAAA" && (err != nil || !addr.Is6()) {
			return refuse("InvalidChangeBatch", "[Invalid Resource Record: 'FATAL problem: ARRDATAIllegalIPv4Address (Value is not a "+
				"valid address) encountered with '%s'']", value)
		}
	}
	return nil
}

func (t *tx) checkAlias(r RecordSet) error {
	name := strings.TrimPrefix(r.Alias.DNSName, "dualstack.")
	for _, lb := range t.db.loadBalancers {
		if fqdn(lb.DNSName) != name {
			continue
		}
		if lb.ZoneID != r.Alias.ZoneID {
			return refuse("InvalidChangeBatch", "[Tried to create an alias that targets %s, type %s in zone %s, but the alias target name "+
				"does not lie within the target zone]", r.Alias.DNSName, r.Type, r.Alias.ZoneID)
		}
		return nil
	}
	return refuse("InvalidChangeBatch", "[Tried to create an alias that targets %s, type %s in zone %s, but that target was not found]",
		r.Alias.DNSName, r.Type, r.Alias.ZoneID)
}

// FindRecordSet reads one record set; ok is false if there is none.
func (c *Client) FindRecordSet(ctx context.Context, zoneID, name, kind, setIdentifier string) (r RecordSet, ok bool, err error) {
	found, err := call(ctx, c, "route53:ListResourceRecordSets", func(t *tx) (*RecordSet, error) {
		z, err := t.zone(zoneID)
		if err != nil {
			return nil, err
		}
		return z.records[recordKey(name, kind, setIdentifier)], nil
	})
	if err != nil || found == nil {
		return RecordSet{}, false, err
	}
	return *found, true, nil
}

// GetChange reads the progress of a change.
func (c *Client) GetChange(ctx context.Context, id string) (ChangeInfo, error) {
	return call(ctx, c, "route53:GetChange", func(t *tx) (ChangeInfo, error) {
		change, ok := t.db.changes[id]
		if !ok {
			return ChangeInfo{}, refuse("NoSuchChange", "A change with the specified change ID does not exist: %s", id)
		}
		return *change, nil
	})
}

// RecordSets lists the record sets of all zones.
func (c *Cloud) RecordSets() []RecordSet {
	c.mu.Lock()
	defer c.mu.Unlock()
	var sets []RecordSet
	for _, z := range list(c.db.zones, nil) {
		sets = append(sets, list(z.records, nil)...)
	}
	return sets
}
