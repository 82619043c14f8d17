package build

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"

	ec2 "github.com/aws-controllers-k8s/ec2-controller/apis/v1alpha1"

	v1 "usermanagement.dev/stack/api/v1"
)

// machine is the part of an EC2 instance that cannot change while it lives, or that ACK does not change.
type machine struct {
	Image        string        `json:"image"`
	InstanceType string        `json:"instanceType"`
	RootDevice   v1.RootDevice `json:"rootDevice"`
	RootGiB      int32         `json:"rootGiB"`
	Profile      string        `json:"profile,omitempty"`
	Groups       []string      `json:"groups,omitempty"`
	UserData     string        `json:"userData"`
}

const (
	// revisionVersion is counted up when the meaning of a revision changes, which replaces every host of every stack: a
	// field that is added to machine must be left out of the hash where it has its old meaning instead.
	revisionVersion = 1
	revisionLength  = 10
)

// revision is the hash of all that a machine is. Tags are not in it: they change in place.
func (m machine) revision() (string, error) {
	text, err := json.Marshal(struct {
		Version int     `json:"version"`
		Machine machine `json:"machine"`
	}{revisionVersion, m})
	if err != nil {
		return "", fmt.Errorf("the revision of a host: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])[:revisionLength], nil
}

// spec is the instance: IMDSv2 only and no farther than the machine itself, an encrypted root volume that goes with it.
func (m machine) spec(subnet string, tags []*ec2.Tag) ec2.InstanceSpec {
	spec := ec2.InstanceSpec{
		ImageID:      &m.Image,
		InstanceType: &m.InstanceType,
		SubnetID:     &subnet,
		UserData:     new(base64.StdEncoding.EncodeToString([]byte(m.UserData))),
		BlockDeviceMappings: []*ec2.BlockDeviceMapping{{
			DeviceName: new(string(m.RootDevice)),
			EBS: &ec2.EBSBlockDevice{
				DeleteOnTermination: new(true), Encrypted: new(true),
				VolumeSize: new(int64(m.RootGiB)), VolumeType: new("gp3"),
			},
		}},
		MetadataOptions: &ec2.InstanceMetadataOptionsRequest{
			HTTPEndpoint: new("enabled"), HTTPTokens: new("required"), HTTPPutResponseHopLimit: new(int64(1)),
		},
		Monitoring: &ec2.RunInstancesMonitoringEnabled{Enabled: new(false)},
		Tags:       tags,
	}
	for _, id := range m.Groups {
		spec.SecurityGroupIDs = append(spec.SecurityGroupIDs, new(id))
	}
	if m.Profile != "" {
		// The ARN alone: name and ARN together are refused, and the ARN is what ACK keeps.
		spec.IAMInstanceProfile = &ec2.IAMInstanceProfileSpecification{ARN: &m.Profile}
	}
	return spec
}
