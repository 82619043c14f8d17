package cloud

import (
	"context"
	"maps"
	"strings"
	"unicode/utf8"
)

// Tags are AWS tags. A stored map is never changed in place.
type Tags map[string]string

func (t Tags) clone() Tags {
	if len(t) == 0 {
		return nil
	}
	return maps.Clone(t)
}

const (
	maxTags     = 50
	maxTagKey   = 128
	maxTagValue = 256
)

// checkTags applies the limits of AWS's tagging guide.
func checkTags(tags Tags) error {
	if len(tags) > maxTags {
		return refuse("TagLimitExceeded", "The maximum number of tags (%d) has been reached.", maxTags)
	}
	for key, value := range tags {
		long := utf8.RuneCountInString(key) > maxTagKey || utf8.RuneCountInString(value) > maxTagValue
		if key == "" || long || strings.HasPrefix(strings.ToLower(key), "aws:") {
			return refuse("InvalidParameterValue", "Tag key %q or its value is not valid: keys have 1-%d characters and do not "+
				"begin with aws:, values have up to %d", key, maxTagKey, maxTagValue)
		}
	}
	return nil
}

// checkIAMTags applies IAM's own rule too: it does not tell upper from lower case in keys.
func checkIAMTags(tags Tags) error {
	seen := map[string]bool{}
	for key := range tags {
		folded := strings.ToLower(key)
		if seen[folded] {
			return refuse("InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		seen[folded] = true
	}
	return checkTags(tags)
}

// Tag adds and removes tags of one thing, as CreateTags, AddTags, TagRole and their like do. The id is the one that the
// kind's Describe call takes.
func (c *Client) Tag(ctx context.Context, kind Kind, id string, add Tags, remove []string) error {
	ops := tagOps[kind.service()]
	if len(add) > 0 {
		if err := do(ctx, c, ops.add, func(t *tx) error { return t.addTags(kind, id, add) }); err != nil {
			return err
		}
	}
	if len(remove) == 0 {
		return nil
	}
	return do(ctx, c, ops.remove, func(t *tx) error { return t.removeTags(kind, id, remove) })
}

var tagOps = map[string]struct{ add, remove Op }{
	"ec2":            {"ec2:CreateTags", "ec2:DeleteTags"},
	"elbv2":          {"elbv2:AddTags", "elbv2:RemoveTags"},
	"rds":            {"rds:AddTagsToResource", "rds:RemoveTagsFromResource"},
	"acm":            {"acm:AddTagsToCertificate", "acm:RemoveTagsFromCertificate"},
	"iam":            {"iam:TagResource", "iam:UntagResource"},
	"secretsmanager": {"secretsmanager:TagResource", "secretsmanager:UntagResource"},
	"route53":        {"route53:ChangeTagsForResource", "route53:ChangeTagsForResource"},
}

func (t *tx) addTags(kind Kind, id string, add Tags) error {
	meta := t.db.metaOf(kind, t.caller.Region, id)
	if meta == nil {
		return refuse("InvalidID", "The ID '%s' is not valid", id)
	}
	merged := Tags{}
	maps.Copy(merged, meta.Tags)
	maps.Copy(merged, add)
	if err := checkTags(merged); err != nil {
		return err
	}
	meta.Tags = merged
	t.emit(kind, Changed, id, *meta)
	return nil
}

func (t *tx) removeTags(kind Kind, id string, remove []string) error {
	meta := t.db.metaOf(kind, t.caller.Region, id)
	if meta == nil {
		return refuse("InvalidID", "The ID '%s' is not valid", id)
	}
	left := maps.Clone(meta.Tags)
	for _, key := range remove {
		delete(left, key)
	}
	meta.Tags = left
	t.emit(kind, Changed, id, *meta)
	return nil
}
