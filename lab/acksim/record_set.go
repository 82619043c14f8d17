package acksim

import (
	"context"
	"slices"
	"strings"

	"usermanagement.dev/stack/lab/cloud"
)

// recordSetKind is route53 RecordSet, known by zone, name and type. It is synced when its last change is INSYNC.
func recordSetKind() *kind {
	return &kind{
		name: "RecordSet", service: "route53", untagged: true,
		terminal:   []string{"InvalidChangeBatch", "InvalidInput", "NoSuchHostedZone", "NoSuchHealthCheck"},
		references: []reference{{from: "hostedZoneRef", into: "hostedZoneID", kind: "HostedZone", value: "status.id"}},
		compared: []comparison{
			{"aliasTarget", nil}, {"ttl", nil}, {"resourceRecords", differentValues},
		},
		identify: func(o *object, f map[string]string) {
			put(o.status(), "id", f["id"])
			for _, field := range []string{"hostedZoneID", "recordType", "name"} {
				if f[field] != "" {
					o.spec()[field] = f[field]
				}
			}
		},
		read: readRecordSet,
		create: func(ctx context.Context, p *pass, desired *object) (*object, error) {
			return p.changeRecord(ctx, "CREATE", desired)
		},
		update: func(ctx context.Context, p *pass, desired, latest *object, _ delta) (*object, error) {
			updated := desired.copy()
			updated.setStatus(latest)
			return p.changeRecord(ctx, "UPSERT", updated)
		},
		remove: func(ctx context.Context, p *pass, latest *object) error {
			_, err := p.changeRecord(ctx, "DELETE", latest)
			return err
		},
	}
}

func differentValues(a, b any) bool {
	return !slices.Equal(valuesOf(a), valuesOf(b))
}

func valuesOf(value any) []string {
	var values []string
	for _, r := range trees(tree{"x": value}, "x") {
		values = append(values, text(r, "value"))
	}
	slices.Sort(values)
	return values
}

// recordName is the full name: spec has it in full with a trailing dot, relative to the zone, or not at all for the apex.
func (p *pass) recordName(ctx context.Context, spec tree) (string, error) {
	name := text(spec, "name")
	if strings.HasSuffix(name, ".") {
		return name, nil
	}
	zone, err := p.aws.GetHostedZone(ctx, text(spec, "hostedZoneID"))
	if err != nil {
		return "", err
	}
	if name == "" {
		return zone.Name, nil
	}
	return name + "." + zone.Name, nil
}

func readRecordSet(ctx context.Context, p *pass, desired *object) (*object, error) {
	spec := desired.spec()
	name, err := p.recordName(ctx, spec)
	if err != nil {
		return nil, err
	}
	r, ok, err := p.aws.FindRecordSet(ctx, text(spec, "hostedZoneID"), name, text(spec, "recordType"), text(spec, "setIdentifier"))
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errNotFound
	}
	latest := desired.copy()
	showRecord(latest.spec(), r)
	id := text(latest.status(), "id")
	if id == "" {
		return latest, nil
	}
	change, err := p.aws.GetChange(ctx, id)
	if err != nil {
		return nil, err
	}
	p.showChange(latest, change)
	return latest, nil
}

// showRecord takes over AWS's values: names come back in lower case and without the trailing dot.
func showRecord(spec tree, r cloud.RecordSet) {
	delete(spec, "aliasTarget")
	delete(spec, "ttl")
	if r.Alias != nil {
		spec["aliasTarget"] = tree{
			"dnsName": strings.TrimSuffix(r.Alias.DNSName, "."), "hostedZoneID": r.Alias.ZoneID,
			"evaluateTargetHealth": r.Alias.EvaluateTargetHealth,
		}
	} else {
		spec["ttl"] = int64(r.TTL)
	}
	put(spec, "resourceRecords", list(r.Values, func(v string) any { return tree{"value": v} }))
}

func (p *pass) showChange(o *object, change cloud.ChangeInfo) {
	o.status()["id"], o.status()["status"] = change.ID, change.Status
	put(o.status(), "submittedAt", stamp(change.Submitted))
	if change.Status != "INSYNC" {
		o.setCondition(p.now, condSynced, statusFalse, "", "")
	}
}

func (p *pass) changeRecord(ctx context.Context, action string, o *object) (*object, error) {
	spec := o.spec()
	name, err := p.recordName(ctx, spec)
	if err != nil {
		return nil, err
	}
	r := cloud.RecordSet{
		Name: name, Type: text(spec, "recordType"), SetIdentifier: text(spec, "setIdentifier"), TTL: number(spec, "ttl"),
	}
	for _, record := range trees(spec, "resourceRecords") {
		r.Values = append(r.Values, text(record, "value"))
	}
	if alias, ok := spec["aliasTarget"].(tree); ok {
		r.Alias = &cloud.Alias{
			DNSName: text(alias, "dnsName"), ZoneID: text(alias, "hostedZoneID"),
			EvaluateTargetHealth: truth(alias, "evaluateTargetHealth"),
		}
	}
	change, err := p.aws.ChangeRecordSet(ctx, text(spec, "hostedZoneID"), action, r)
	if err != nil {
		return nil, err
	}
	changed := o.copy()
	p.showChange(changed, change)
	return changed, nil
}
