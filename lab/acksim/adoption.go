package acksim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// Adoption policies (annotation services.k8s.aws/adoption-policy).
const (
	adopt         = "adopt"
	adoptOrCreate = "adopt-or-create"
)

// adoption is what the annotations say about an object that ACK does not manage yet.
type adoption struct {
	policy   string
	fields   map[string]string
	readOnly bool
}

func (a adoption) adopting() bool { return a.policy != "" }

// identify takes the adoption fields over into the object, so that it can be read.
func (a adoption) identify(k *kind, o *object) {
	if k.identify != nil && len(a.fields) > 0 {
		k.identify(o, a.fields)
	}
}

// planAdoption reads the annotations. An error is terminal.
func planAdoption(k *kind, o *object) (adoption, error) {
	plan := adoption{readOnly: o.readOnly()}
	policy, ok := o.annotation(annotationAdoptionPolicy)
	if !ok {
		return plan, nil
	}
	if policy != adopt && policy != adoptOrCreate {
		return plan, fmt.Errorf("unrecognized adoption policy: %q is none of %q, %q", policy, adopt, adoptOrCreate)
	}
	if o.managed(k) {
		return plan, nil
	}
	plan.policy = policy
	raw, given := o.annotation(annotationAdoptionFields)
	if !given {
		if policy == adopt {
			return plan, errors.New("adoption fields annotation is missing: an object that is to be adopted must say what it is in AWS")
		}
		return plan, nil
	}
	if err := json.Unmarshal([]byte(raw), &plan.fields); err != nil && policy == adopt {
		return plan, fmt.Errorf("reading the adoption fields annotation: %w", err)
	}
	return plan, nil
}

// takeOver makes an existing AWS object ACK's. With policy adopt the spec becomes what AWS has; with adopt-or-create the
// spec stays and the next pass updates AWS.
func (p *pass) takeOver(ctx context.Context, desired, latest *object, overwriteSpec bool) (*object, error) {
	for _, o := range []*object{desired, latest} {
		o.manage(p.kind)
		o.annotate(annotationAdopted, "true")
	}
	marks := map[string]any{annotationAdopted: "true"}
	if err := p.writer.writeFinalizers(ctx, p.kind, latest, marks); err != nil {
		return latest, err
	}
	if overwriteSpec {
		return latest, p.writer.writeSpec(ctx, p.kind, desired, latest, false)
	}
	return latest, errors.New("adopted resource, requeuing to check for updates")
}
