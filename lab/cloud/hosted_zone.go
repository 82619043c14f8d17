package cloud

import (
	"context"
	"regexp"
	"strings"
	"time"
)

// HostedZone is a public DNS zone. Its name is registered: the model takes its records for what the world sees.
type HostedZone struct {
	Meta
	ID, Name    string // the name ends with a dot
	NameServers []string
	records     map[string]*RecordSet
}

func (z *HostedZone) object() Object { return Object{ID: z.ID} }

// ChangeInfo is the progress of a change to a zone.
type ChangeInfo struct {
	ID, Status string // PENDING, INSYNC
	Submitted  time.Time
}

var zoneNames = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+$`)

// CreateHostedZone makes a public zone with its NS and SOA records.
func (c *Client) CreateHostedZone(ctx context.Context, name string) (HostedZone, error) {
	return call(ctx, c, "route53:CreateHostedZone", func(t *tx) (HostedZone, error) {
		name := fqdn(name)
		if !zoneNames.MatchString(name) {
			return HostedZone{}, refuse("InvalidDomainName", "%s is not a valid domain name", name)
		}
		z := &HostedZone{
			Meta: t.meta(nil), ID: "Z" + t.pick("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 20), Name: name,
			NameServers: []string{"ns-1.awsdns-00.com", "ns-512.awsdns-00.net", "ns-1024.awsdns-00.org", "ns-1536.awsdns-00.co.uk"},
			records:     map[string]*RecordSet{},
		}
		for _, r := range []RecordSet{
			{Name: name, Type: "NS", TTL: 172800, Values: z.NameServers},
			{Name: name, Type: "SOA", TTL: 900, Values: []string{z.NameServers[0] + ". awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"}},
		} {
			r.ZoneID, r.Meta, r.implicit = z.ID, z.Meta, true
			z.records[r.key()] = &r
		}
		t.db.zones[z.ID] = z
		t.emit(KindHostedZone, Created, z.ID, z.Meta)
		return *z, nil
	})
}

// AddHostedZone makes a public zone by hand, as part of setting up a lab, and returns its id.
func (c *Cloud) AddHostedZone(name string) (string, error) {
	z, err := c.Client(Caller{}).CreateHostedZone(context.Background(), name)
	return z.ID, err
}

// fqdn is a DNS name in lower case with its trailing dot.
func fqdn(name string) string {
	return strings.TrimSuffix(strings.ToLower(name), ".") + "."
}

func (t *tx) zone(id string) (*HostedZone, error) {
	z, ok := t.db.zones[strings.TrimPrefix(id, "/hostedzone/")]
	if !ok {
		return nil, refuse("NoSuchHostedZone", "No hosted zone found with ID: %s", id)
	}
	return z, nil
}

// GetHostedZone reads a zone.
func (c *Client) GetHostedZone(ctx context.Context, id string) (HostedZone, error) {
	return call(ctx, c, "route53:GetHostedZone", func(t *tx) (HostedZone, error) {
		z, err := t.zone(id)
		if err != nil {
			return HostedZone{}, err
		}
		shown := *z
		shown.records = nil
		return shown, nil
	})
}

// DeleteHostedZone deletes a zone in which only NS and SOA are left.
func (c *Client) DeleteHostedZone(ctx context.Context, id string) error {
	return do(ctx, c, "route53:DeleteHostedZone", func(t *tx) error {
		z, err := t.zone(id)
		if err != nil {
			return err
		}
		for _, r := range z.records {
			if !r.implicit {
				return refuse("HostedZoneNotEmpty", "The specified hosted zone contains non-required resource record sets and so cannot "+
					"be deleted.")
			}
		}
		delete(t.db.zones, z.ID)
		t.emit(KindHostedZone, Deleted, z.ID, z.Meta)
		return nil
	})
}

// authoritative finds the zone that answers for a name: the one with the longest name that the name lies in.
func (t *tx) authoritative(name string) *HostedZone {
	var best *HostedZone
	for _, z := range t.db.zones {
		if !inZone(name, z.Name) || best != nil && (len(best.Name) > len(z.Name) ||
			len(best.Name) == len(z.Name) && (best.Created.Before(z.Created) || best.ID < z.ID)) {
			continue
		}
		best = z
	}
	return best
}

func inZone(name, zone string) bool {
	return name == zone || strings.HasSuffix(name, "."+zone)
}

// publicCNAME reports whether the world's DNS answers a name with a value.
func (t *tx) publicCNAME(name, value string) bool {
	z := t.authoritative(fqdn(name))
	if z == nil {
		return false
	}
	r := z.records[recordKey(name, "CNAME", "")]
	return r != nil && len(r.Values) == 1 && fqdn(r.Values[0]) == fqdn(value)
}

// HostedZones lists all zones.
func (c *Cloud) HostedZones() []HostedZone {
	c.mu.Lock()
	defer c.mu.Unlock()
	return list(c.db.zones, nil)
}
