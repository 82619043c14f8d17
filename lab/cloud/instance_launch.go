package cloud

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strings"
)

// RunInstanceInput is what RunInstances takes for one instance.
type RunInstanceInput struct {
	ImageID, InstanceType     string
	SubnetID                  string
	Groups                    []string
	ProfileARN, ProfileName   string
	KeyName                   string
	UserData                  string // base64
	Metadata                  MetadataOptions
	BlockDevices              []BlockDevice
	Monitoring                bool
	EBSOptimized              bool
	DisableAPITermination     bool
	DisableAPIStop            bool
	InstanceInitiatedShutdown string
	NetworkInterfaces         int // how many interfaces the request spells out
	Tags                      Tags
}

// maxUserData is the limit of user data before base64 (RunInstances).
const maxUserData = 16384

var (
	imageIDs      = regexp.MustCompile(`^ami-([0-9a-f]{8}|[0-9a-f]{17})$`)
	instanceTypes = regexp.MustCompile(`^[a-z][a-z0-9-]*\.[a-z0-9-]+$`)
)

func (t *tx) checkLaunch(in RunInstanceInput) (*Subnet, *InstanceProfile, error) {
	if in.NetworkInterfaces > 0 && in.SubnetID != "" {
		return nil, nil, refuse("InvalidParameterCombination", "Network interfaces and an instance-level subnet ID may not be "+
			"specified on the same request")
	}
	if in.NetworkInterfaces > 0 && len(in.Groups) > 0 {
		return nil, nil, refuse("InvalidParameterCombination", "Network interfaces and an instance-level security groups may "+
			"not be specified on the same request")
	}
	if !imageIDs.MatchString(in.ImageID) {
		return nil, nil, refuse("InvalidAMIID.Malformed", "Invalid id: \"%s\" (expecting \"ami-...\")", in.ImageID)
	}
	if !instanceTypes.MatchString(in.InstanceType) {
		return nil, nil, refuse("InvalidParameterValue", "Invalid value '%s' for InstanceType.", in.InstanceType)
	}
	if in.SubnetID == "" {
		return nil, nil, refuse("MissingInput", "No subnets found for the default VPC. Please specify a subnet.")
	}
	s, err := t.subnet(in.SubnetID)
	if err != nil {
		return nil, nil, err
	}
	if err := t.groupsIn(in.Groups, s.VPCID); err != nil {
		return nil, nil, err
	}
	if t.freeIPs(s) < 1 {
		return nil, nil, refuse("InsufficientFreeAddressesInSubnet", "There are not enough free addresses in subnet '%s' to "+
			"satisfy the requested number of instances.", s.ID)
	}
	if in.KeyName != "" && !t.db.keyPairs[regional(t.caller.Region, in.KeyName)] {
		return nil, nil, refuse("InvalidKeyPair.NotFound", "The key pair '%s' does not exist", in.KeyName)
	}
	if err := checkLaunchDetails(in); err != nil {
		return nil, nil, err
	}
	profile, err := t.launchProfile(in)
	return s, profile, err
}

func checkLaunchDetails(in RunInstanceInput) error {
	raw, err := base64.StdEncoding.DecodeString(in.UserData)
	if err != nil {
		return refuse("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.")
	}
	if len(raw) > maxUserData {
		return refuse("InvalidParameterValue", "User data is limited to %d bytes", maxUserData)
	}
	m := in.Metadata
	if err := oneOf("httpTokens", m.HTTPTokens, "optional", "required"); err != nil {
		return err
	}
	if err := oneOf("httpEndpoint", m.HTTPEndpoint, "enabled", "disabled"); err != nil {
		return err
	}
	if err := oneOf("instanceMetadataTags", m.InstanceMetadataTags, "enabled", "disabled"); err != nil {
		return err
	}
	if m.HTTPPutResponseHopLimit < 0 || m.HTTPPutResponseHopLimit > 64 {
		return refuse("InvalidParameterValue", "httpPutResponseHopLimit must be between 1 and 64")
	}
	for _, d := range in.BlockDevices {
		if d.DeviceName == "" {
			return refuse("InvalidBlockDeviceMapping", "the device name must be given")
		}
		if err := oneOf("volumeType", d.VolumeType, "gp2", "gp3", "io1", "io2", "st1", "sc1", "standard"); err != nil {
			return err
		}
		if d.VolumeSizeGiB < 0 || d.VolumeSizeGiB > 16384 {
			return refuse("InvalidParameterValue", "Volume size of %d GiB is not between 1 and 16384", d.VolumeSizeGiB)
		}
	}
	return checkTags(in.Tags)
}

func oneOf(name, value string, allowed ...string) error {
	if value == "" || slices.Contains(allowed, value) {
		return nil
	}
	return refuse("InvalidParameterValue", "Value (%s) for parameter %s is invalid. Valid values: %s.", value, name,
		strings.Join(allowed, ", "))
}

// launchProfile finds the instance profile; one that was made a moment ago may not be known to EC2 yet.
func (t *tx) launchProfile(in RunInstanceInput) (*InstanceProfile, error) {
	if in.ProfileARN != "" && in.ProfileName != "" {
		return nil, refuse("InvalidParameterCombination", "The parameter 'iamInstanceProfile.name' may not be used in "+
			"combination with 'iamInstanceProfile.arn'")
	}
	if in.ProfileARN == "" && in.ProfileName == "" {
		return nil, nil //nolint:nilnil // an instance without a profile is fine
	}
	for _, p := range t.db.profiles {
		if p.ARN != in.ProfileARN && p.Name != in.ProfileName {
			continue
		}
		if !p.known {
			break
		}
		if p.RoleName == "" {
			return nil, refuse("InvalidParameterValue", "IAM Instance Profile \"%s\" has no associated IAM Roles", p.ARN)
		}
		return p, nil
	}
	if in.ProfileARN != "" {
		return nil, refuse("InvalidParameterValue", "Value (%s) for parameter iamInstanceProfile.arn is invalid. Invalid IAM "+
			"Instance Profile ARN", in.ProfileARN)
	}
	return nil, refuse("InvalidParameterValue", "Value (%s) for parameter iamInstanceProfile.name is invalid. Invalid IAM "+
		"Instance Profile name", in.ProfileName)
}

func (t *tx) newInstance(in RunInstanceInput, s *Subnet, profile *InstanceProfile) *Instance {
	i := &Instance{
		Meta: t.meta(in.Tags), ID: t.newID("i"), ImageID: in.ImageID, InstanceType: in.InstanceType, SubnetID: s.ID,
		VPCID: s.VPCID, Zone: s.Zone, Groups: slices.Clone(in.Groups), KeyName: in.KeyName, UserData: in.UserData,
		Metadata: in.Metadata, BlockDevices: slices.Clone(in.BlockDevices), Monitoring: in.Monitoring,
		EBSOptimized: in.EBSOptimized, SourceDestCheck: true, DisableAPITermination: in.DisableAPITermination,
		DisableAPIStop: in.DisableAPIStop, ShutdownBehavior: orDefault(in.InstanceInitiatedShutdown, "stop"),
		State: "pending", LaunchTime: t.now,
	}
	if profile != nil {
		i.ProfileARN, i.ProfileID = profile.ARN, profile.ID
	}
	if len(i.Groups) == 0 {
		i.Groups = []string{t.db.vpcs[s.VPCID].DefaultSecurityGroup}
	}
	i.Metadata.HTTPEndpoint = orDefault(i.Metadata.HTTPEndpoint, "enabled")
	i.Metadata.HTTPTokens = orDefault(i.Metadata.HTTPTokens, "optional")
	i.Metadata.InstanceMetadataTags = orDefault(i.Metadata.InstanceMetadataTags, "disabled")
	i.Metadata.HTTPProtocolIPv6 = orDefault(i.Metadata.HTTPProtocolIPv6, "disabled")
	if i.Metadata.HTTPPutResponseHopLimit == 0 {
		i.Metadata.HTTPPutResponseHopLimit = 1
	}
	if len(i.BlockDevices) == 0 {
		i.BlockDevices = []BlockDevice{{DeviceName: "/dev/xvda", VolumeSizeGiB: 8, VolumeType: "gp3", DeleteOnTermination: true}}
	}
	for n := range i.BlockDevices {
		i.BlockDevices[n].VolumeID = t.newID("vol")
	}
	eni := t.addInterface(s, i.Groups, KindInstance, i.ID)
	i.InterfaceID, i.PrivateIP = eni.ID, eni.PrivateIP
	i.PrivateDNSName = privateName(i.PrivateIP, i.Region)
	t.givePublicAddress(i)
	return i
}

// privateName is the name that the VPC's resolver gives an address (EC2 user guide, hostname types).
func privateName(ip, region string) string {
	suffix := "." + region + ".compute.internal"
	if region == "us-east-1" {
		suffix = ".ec2.internal"
	}
	return "ip-" + strings.ReplaceAll(ip, ".", "-") + suffix
}

// AddKeyPair makes a key pair name known, as if someone had imported it.
func (c *Cloud) AddKeyPair(region, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.db.keyPairs[regional(region, name)] = true
}
