package acksim

import (
	"context"
	"errors"
	"time"

	"usermanagement.dev/stack/lab/cloud"
)

// instanceKind is ec2 Instance. After the launch ACK overwrites some twenty fields of spec with what AWS answers. Only type,
// groups, EBS optimisation and the source/destination check can be changed, one a pass. An instance that is terminated
// behind ACK's back is never replaced: ACK launches again with the overwritten spec, which AWS refuses for ever.
func instanceKind() *kind {
	return &kind{
		name: "Instance", service: "ec2", gone: []string{"InvalidInstanceID.NotFound"},
		references: []reference{{from: "subnetRef", into: "subnetID", kind: "Subnet", value: "status.subnetID"}},
		compared: append(comparing(ifSet, "instanceType", "ebsOptimized", "sourceDestCheckEnabled"),
			comparison{"securityGroupIDs", ifSetAsSet}, tagged()),
		late:     append(lateRequired("hibernationOptions"), late("sourceDestCheckEnabled")...),
		identify: func(o *object, f map[string]string) { put(o.status(), "instanceID", f["instanceID"]) },
		read:     readInstance, create: createInstance, update: updateInstance,
		remove: func(ctx context.Context, p *pass, latest *object) error {
			return p.aws.TerminateInstance(ctx, text(latest.status(), "instanceID"))
		},
	}
}

func readInstance(ctx context.Context, p *pass, desired *object) (*object, error) {
	id := text(desired.status(), "instanceID")
	if id == "" {
		return nil, errNotFound
	}
	i, err := p.aws.DescribeInstance(ctx, id)
	if err != nil {
		return nil, err
	}
	if i.State == "terminated" {
		return nil, errNotFound
	}
	latest := desired.copy()
	p.showInstance(latest, i)
	if !p.opts.OldEC2 && i.State != "running" && i.State != "stopped" {
		latest.setCondition(p.now, condSynced, statusFalse, "", "waiting for resource to be running")
	}
	return latest, nil
}

func createInstance(ctx context.Context, p *pass, desired *object) (*object, error) {
	spec := desired.spec()
	i, err := p.aws.RunInstance(ctx, cloud.RunInstanceInput{
		ImageID: text(spec, "imageID"), InstanceType: text(spec, "instanceType"), SubnetID: text(spec, "subnetID"),
		Groups: texts(spec, "securityGroupIDs"), ProfileARN: text(spec, "iamInstanceProfile.arn"),
		ProfileName: text(spec, "iamInstanceProfile.name"), KeyName: text(spec, "keyName"), UserData: text(spec, "userData"),
		Metadata: cloud.MetadataOptions{
			HTTPEndpoint: text(spec, "metadataOptions.httpEndpoint"), HTTPTokens: text(spec, "metadataOptions.httpTokens"),
			HTTPPutResponseHopLimit: number(spec, "metadataOptions.httpPutResponseHopLimit"),
			InstanceMetadataTags:    text(spec, "metadataOptions.instanceMetadataTags"),
			HTTPProtocolIPv6:        text(spec, "metadataOptions.httpProtocolIPv6"),
		},
		BlockDevices: blockDevices(spec), Monitoring: truth(spec, "monitoring.enabled"), EBSOptimized: truth(spec, "ebsOptimized"),
		DisableAPITermination: truth(spec, "disableAPITermination"), DisableAPIStop: truth(spec, "disableAPIStop"),
		InstanceInitiatedShutdown: text(spec, "instanceInitiatedShutdownBehavior"),
		NetworkInterfaces:         len(items(spec, "networkInterfaces")), Tags: p.createTags(desired),
	})
	if err != nil {
		return nil, err
	}
	created := desired.copy()
	p.showInstance(created, i)
	if check := truthPtr(spec, "sourceDestCheckEnabled"); check != nil {
		created.spec()["sourceDestCheckEnabled"] = *check
		created.setCondition(p.now, condSynced, statusFalse, "Instance is pending update for SourceDestCheckEnabled", "")
	}
	return created, nil
}

func blockDevices(spec tree) []cloud.BlockDevice {
	var devices []cloud.BlockDevice
	for _, d := range trees(spec, "blockDeviceMappings") {
		keep := truthPtr(d, "ebs.deleteOnTermination")
		devices = append(devices, cloud.BlockDevice{
			DeviceName: text(d, "deviceName"), VolumeSizeGiB: number(d, "ebs.volumeSize"), VolumeType: text(d, "ebs.volumeType"),
			Encrypted: truth(d, "ebs.encrypted"), DeleteOnTermination: keep == nil || *keep,
		})
	}
	return devices
}

func updateInstance(ctx context.Context, p *pass, desired, latest *object, changed delta) (*object, error) {
	id := text(latest.status(), "instanceID")
	updated := desired.copy()
	updated.setStatus(latest)
	if changed.has("tags") {
		if err := p.syncTags(ctx, id, desired, latest); err != nil {
			return updated, err
		}
	}
	if !changed.beyond("tags") || p.opts.OldEC2 {
		return updated, nil
	}
	if state := text(latest.status(), "state.name"); state != "running" && state != "stopped" {
		return updated, waitFor(p.opts.Pace.poll(10*time.Second), "requeuing until state is running or stopped")
	}
	if err := p.aws.ModifyInstanceAttribute(ctx, id, oneAttribute(desired.spec(), changed)); err != nil {
		return updated, err
	}
	return updated, errors.New("requeuing until all fields are updated")
}

// oneAttribute is the one change that this pass makes.
func oneAttribute(spec tree, changed delta) cloud.InstanceAttributes {
	switch {
	case changed.has("instanceType"):
		return cloud.InstanceAttributes{InstanceType: textPtr(spec, "instanceType")}
	case changed.has("ebsOptimized"):
		return cloud.InstanceAttributes{EBSOptimized: truthPtr(spec, "ebsOptimized")}
	case changed.has("securityGroupIDs"):
		return cloud.InstanceAttributes{Groups: texts(spec, "securityGroupIDs")}
	default:
		return cloud.InstanceAttributes{SourceDestCheck: truthPtr(spec, "sourceDestCheckEnabled")}
	}
}
