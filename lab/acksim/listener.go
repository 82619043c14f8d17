package acksim

import (
	"context"

	"usermanagement.dev/stack/lab/cloud"
)

// listenerKind is elbv2 Listener, known by its ARN. After every create and change its default actions, certificates and
// policies are written into spec in AWS's form; references inside the actions are lost that way.
func listenerKind() *kind {
	return &kind{
		name: "Listener", service: "elbv2", untagged: true,
		terminal: []string{
			"ValidationError", "DuplicateListener", "InvalidParameter", "InvalidLoadBalancerAction", "SSLPolicyNotFound",
			"UnsupportedProtocol", "IncompatibleProtocols", "InvalidConfigurationRequest", "ALPNPolicyNotFound",
		},
		gone: []string{"ListenerNotFound"},
		references: []reference{
			{from: "loadBalancerRef", into: "loadBalancerARN", kind: "LoadBalancer", value: arnPath},
			{from: "defaultActions[].targetGroupRef", into: "targetGroupARN", kind: "TargetGroup", value: arnPath},
			{
				from: "defaultActions[].forwardConfig.targetGroups[].targetGroupRef", into: "targetGroupARN", kind: "TargetGroup",
				value: arnPath,
			},
		},
		compared: append(fields("port", "protocol", "defaultActions"),
			comparison{"certificates", ifSet}, comparison{"sslPolicy", ifSet}),
		identify: func(o *object, f map[string]string) { o.setARN(f["arn"]) },
		read: func(ctx context.Context, p *pass, desired *object) (*object, error) {
			if desired.arn() == "" {
				return nil, errNotFound
			}
			l, err := p.aws.DescribeListener(ctx, desired.arn())
			if err != nil {
				return nil, err
			}
			return p.showListener(desired.copy(), l), nil
		},
		create: func(ctx context.Context, p *pass, desired *object) (*object, error) {
			in := listenerInput(desired.spec())
			in.LoadBalancerARN, in.Tags = text(desired.spec(), "loadBalancerARN"), p.createTags(desired)
			l, err := p.aws.CreateListener(ctx, in)
			if err != nil {
				return nil, err
			}
			return p.showListener(desired.copy(), l), nil
		},
		update: func(ctx context.Context, p *pass, desired, latest *object, _ delta) (*object, error) {
			l, err := p.aws.ModifyListener(ctx, latest.arn(), listenerInput(desired.spec()))
			if err != nil {
				return nil, err
			}
			updated := desired.copy()
			updated.setStatus(latest)
			return p.showListener(updated, l), nil
		},
		remove: func(ctx context.Context, p *pass, latest *object) error {
			return p.aws.DeleteListener(ctx, latest.arn())
		},
	}
}

func listenerInput(spec tree) cloud.ListenerInput {
	in := cloud.ListenerInput{
		Port: number(spec, "port"), Protocol: text(spec, "protocol"), SSLPolicy: text(spec, "sslPolicy"),
	}
	for _, c := range trees(spec, "certificates") {
		in.Certificates = append(in.Certificates, text(c, "certificateARN"))
	}
	for _, a := range trees(spec, "defaultActions") {
		in.Actions = append(in.Actions, actionOf(a))
	}
	return in
}

func actionOf(a tree) cloud.Action {
	action := cloud.Action{
		Type: text(a, "type"), Order: number(a, "order"), Sticky: truth(a, "forwardConfig.targetGroupStickinessConfig.enabled"),
		StickySeconds: number(a, "forwardConfig.targetGroupStickinessConfig.durationSeconds"),
		Protocol:      text(a, "redirectConfig.protocol"), Port: text(a, "redirectConfig.port"), Host: text(a, "redirectConfig.host"),
		Path: text(a, "redirectConfig.path"), Query: text(a, "redirectConfig.query"),
		StatusCode:  text(a, "redirectConfig.statusCode") + text(a, "fixedResponseConfig.statusCode"),
		ContentType: text(a, "fixedResponseConfig.contentType"), Body: text(a, "fixedResponseConfig.messageBody"),
	}
	for _, t := range trees(a, "forwardConfig.targetGroups") {
		action.Targets = append(action.Targets, cloud.ForwardTarget{TargetGroupARN: text(t, "targetGroupARN"), Weight: number(t, "weight")})
	}
	if single := text(a, "targetGroupARN"); single != "" && len(action.Targets) == 0 {
		action.Targets = []cloud.ForwardTarget{{TargetGroupARN: single}}
	}
	return action
}

func (p *pass) showListener(o *object, l cloud.Listener) *object {
	spec := o.spec()
	spec["port"], spec["protocol"], spec["loadBalancerARN"] = int64(l.Port), l.Protocol, l.LoadBalancerARN
	put(spec, "sslPolicy", l.SSLPolicy)
	put(spec, "alpnPolicy", textList(l.ALPNPolicy))
	put(spec, "certificates", list(l.Certificates, func(arn string) any { return tree{"certificateARN": arn} }))
	if l.Protocol == "HTTPS" {
		spec["mutualAuthentication"] = tree{"mode": l.MutualTLSMode}
	}
	spec["defaultActions"] = list(l.Actions, p.showAction)
	o.setARN(l.ARN)
	return o
}

// showAction is AWS's form of a default action.
func (p *pass) showAction(a cloud.Action) any {
	shown := tree{"type": a.Type}
	if a.Order > 0 || p.opts.VerboseActions {
		shown["order"] = int64(max(a.Order, 1))
	}
	switch a.Type {
	case "forward":
		sticky := tree{"enabled": a.Sticky}
		if a.StickySeconds > 0 {
			sticky["durationSeconds"] = int64(a.StickySeconds)
		}
		shown["forwardConfig"] = tree{
			"targetGroupStickinessConfig": sticky,
			"targetGroups": list(a.Targets, func(t cloud.ForwardTarget) any {
				return tree{"targetGroupARN": t.TargetGroupARN, "weight": int64(t.Weight)}
			}),
		}
		if p.opts.VerboseActions && len(a.Targets) == 1 {
			shown["targetGroupARN"] = a.Targets[0].TargetGroupARN
		}
	case "redirect":
		shown["redirectConfig"] = tree{
			"protocol": a.Protocol, "port": a.Port, "host": a.Host, "path": a.Path, "query": a.Query, "statusCode": a.StatusCode,
		}
	case "fixed-response":
		response := tree{"statusCode": a.StatusCode}
		put(response, "contentType", a.ContentType)
		put(response, "messageBody", a.Body)
		shown["fixedResponseConfig"] = response
	}
	return shown
}
