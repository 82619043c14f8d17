package acksim

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"usermanagement.dev/stack/lab/cloud"
)

// dbParameterGroupKind is rds DBParameterGroup, known by its name. Values are set within the create: one that AWS refuses
// leaves a group that is not managed, and the next pass is terminal. Values that are not listed get their default back.
func dbParameterGroupKind() *kind {
	return &kind{
		name: "DBParameterGroup", service: "rds", gone: []string{"DBParameterGroupNotFound"},
		compared: append(fields("parameterOverrides"), tagged()),
		read: func(ctx context.Context, p *pass, desired *object) (*object, error) {
			g, err := p.aws.DescribeDBParameterGroup(ctx, text(desired.spec(), "name"))
			if err != nil {
				return nil, err
			}
			latest := p.showDBParameterGroup(desired.copy(), g)
			put(latest.spec(), "parameterOverrides", treeOf(g.Values))
			return latest, nil
		},
		create: func(ctx context.Context, p *pass, desired *object) (*object, error) {
			spec := desired.spec()
			g, err := p.aws.CreateDBParameterGroup(ctx, text(spec, "name"), text(spec, "family"), text(spec, "description"),
				p.createTags(desired))
			if err != nil {
				return nil, err
			}
			if err := p.syncParameters(ctx, g.Name, stringMap(spec, "parameterOverrides"), nil); err != nil {
				return nil, err
			}
			return p.showDBParameterGroup(desired.copy(), g), nil
		},
		update: func(ctx context.Context, p *pass, desired, latest *object, changed delta) (*object, error) {
			name := text(desired.spec(), "name")
			if changed.has("tags") {
				if err := p.syncTags(ctx, name, desired, latest); err != nil {
					return nil, err
				}
			}
			updated := desired.copy()
			updated.setStatus(latest)
			want, have := stringMap(desired.spec(), "parameterOverrides"), stringMap(latest.spec(), "parameterOverrides")
			if err := p.syncParameters(ctx, name, want, have); err != nil {
				return nil, err
			}
			put(updated.status(), "parameterOverrideStatuses", overrideStatuses(want))
			return updated, nil
		},
		remove: func(ctx context.Context, p *pass, latest *object) error {
			return p.aws.DeleteDBParameterGroup(ctx, text(latest.spec(), "name"))
		},
	}
}

func (p *pass) showDBParameterGroup(o *object, g cloud.DBParameterGroup) *object {
	p.showTags(o, g.Tags)
	o.spec()["name"], o.spec()["family"], o.spec()["description"] = g.Name, g.Family, g.Description
	o.setARN(g.ARN)
	put(o.status(), "parameterOverrideStatuses", overrideStatuses(g.Values))
	return o
}

func overrideStatuses(values map[string]string) []any {
	var out []any
	for _, name := range slices.Sorted(maps.Keys(values)) {
		parameter, _ := cloud.LookupParameter(name)
		status := tree{
			"parameterName": name, "parameterValue": values[name], "source": "user", "isModifiable": true,
			"applyType": parameter.ApplyType, "dataType": parameter.DataType,
		}
		put(status, "allowedValues", parameter.AllowedValues)
		out = append(out, status)
	}
	return out
}

// syncParameters sets and resets values. The controller itself refuses parameters that the engine does not have.
func (p *pass) syncParameters(ctx context.Context, name string, want, have map[string]string) error {
	for _, parameter := range slices.Sorted(maps.Keys(want)) {
		known, ok := cloud.LookupParameter(parameter)
		switch {
		case !ok:
			return &terminalError{err: fmt.Errorf("unknown parameter: %s", parameter)}
		case !known.Modifiable:
			return &terminalError{err: fmt.Errorf("parameter is not modifiable: %s", parameter)}
		}
	}
	var reset []string
	for _, parameter := range slices.Sorted(maps.Keys(have)) {
		if _, keep := want[parameter]; !keep {
			reset = append(reset, parameter)
		}
	}
	if len(reset) > 0 {
		if err := p.aws.ResetDBParameterGroup(ctx, name, reset); err != nil {
			return err
		}
	}
	if len(want) == 0 || maps.Equal(want, have) {
		return nil
	}
	return p.aws.ModifyDBParameterGroup(ctx, name, want)
}
