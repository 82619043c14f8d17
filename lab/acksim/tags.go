package acksim

import (
	"context"
	"maps"
	"slices"
	"strings"

	"usermanagement.dev/stack/lab/cloud"
)

// tagsOf reads spec.tags.
func tagsOf(spec tree) cloud.Tags {
	tags := cloud.Tags{}
	for _, item := range trees(spec, "tags") {
		tags[text(item, "key")] = text(item, "value")
	}
	return tags
}

// defaultTags are the controllers' --resource-tags. They are sent to AWS but never stored in the object.
func (p *pass) defaultTags(o *object) cloud.Tags {
	return cloud.Tags{
		"services.k8s.aws/controller-version": p.kind.service + "-sim",
		"services.k8s.aws/namespace":          o.namespace(),
	}
}

// createTags are the tags of a new AWS object: the user's win over the controller's.
func (p *pass) createTags(o *object) cloud.Tags {
	if p.kind.untagged {
		return tagsOf(o.spec())
	}
	tags := p.defaultTags(o)
	maps.Copy(tags, tagsOf(o.spec()))
	return tags
}

// showTags writes AWS's tags into spec, without those of the controller and of AWS. Order is kept where nothing changed,
// as ACK keeps it.
func (p *pass) showTags(o *object, actual cloud.Tags) {
	shown := cloud.Tags{}
	own := p.defaultTags(o)
	for key, value := range actual {
		if _, isOwn := own[key]; !isOwn && !strings.HasPrefix(key, "aws:") {
			shown[key] = value
		}
	}
	if maps.Equal(shown, tagsOf(o.spec())) {
		return
	}
	var out []any
	for _, key := range slices.Sorted(maps.Keys(shown)) {
		out = append(out, tree{"key": key, "value": shown[key]})
	}
	put(o.spec(), "tags", out)
}

// syncTags makes AWS's tags those of the spec: foreign ones are taken away.
func (p *pass) syncTags(ctx context.Context, id string, desired, latest *object) error {
	want, have := tagsOf(desired.spec()), tagsOf(latest.spec())
	var remove []string
	for key := range have {
		if _, keep := want[key]; !keep {
			remove = append(remove, key)
		}
	}
	add := cloud.Tags{}
	for key, value := range want {
		if old, ok := have[key]; !ok || old != value {
			add[key] = value
		}
	}
	slices.Sort(remove)
	return p.aws.Tag(ctx, p.kind.cloudKind, id, add, remove)
}
