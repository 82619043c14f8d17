package cloud

import (
	"context"
	"slices"
	"strings"
	"time"
)

// BlockDevice is a volume that is made with an instance.
type BlockDevice struct {
	DeviceName          string
	VolumeSizeGiB       int
	VolumeType          string
	Encrypted           bool
	DeleteOnTermination bool
	VolumeID            string
}

// MetadataOptions are the settings of the instance metadata service.
type MetadataOptions struct {
	HTTPEndpoint            string // enabled, disabled
	HTTPTokens              string // optional, required
	HTTPPutResponseHopLimit int
	InstanceMetadataTags    string // enabled, disabled
	HTTPProtocolIPv6        string // enabled, disabled
}

// Instance is a virtual machine.
type Instance struct {
	Meta
	ID, ImageID, InstanceType    string
	SubnetID, VPCID, Zone        string
	Groups                       []string
	ProfileARN, ProfileID        string
	KeyName                      string
	UserData                     string // base64, as given
	Metadata                     MetadataOptions
	BlockDevices                 []BlockDevice
	Monitoring                   bool
	EBSOptimized                 bool
	SourceDestCheck              bool
	DisableAPITermination        bool
	DisableAPIStop               bool
	ShutdownBehavior             string
	State                        string // pending, running, stopping, stopped, shutting-down, terminated
	StateReason, StateReasonCode string
	LaunchTime                   time.Time
	InterfaceID                  string
	PrivateIP, PublicIP          string
	PrivateDNSName, PublicDNS    string
}

func (i *Instance) object() Object { return Object{ID: i.ID, State: i.State} }

// StateCode is AWS's number of the instance's state.
func (i *Instance) StateCode() int {
	return map[string]int{"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}[i.State]
}

// RunInstance launches one instance.
func (c *Client) RunInstance(ctx context.Context, in RunInstanceInput) (Instance, error) {
	return call(ctx, c, "ec2:RunInstances", func(t *tx) (Instance, error) {
		s, profile, err := t.checkLaunch(in)
		if err != nil {
			return Instance{}, err
		}
		i := t.newInstance(in, s, profile)
		t.db.instances[i.ID] = i
		t.emit(KindInstance, Created, i.ID, i.Meta)
		failure := t.late
		t.settle("ec2:RunInstances", func(t *tx) { t.started(i, failure) })
		return *i, nil
	})
}

func (t *tx) started(i *Instance, failure *APIError) {
	if i.State != "pending" {
		return
	}
	if failure != nil {
		i.StateReasonCode, i.StateReason = failure.Code, failure.Message
		t.terminated(i)
		return
	}
	i.State = "running"
	t.emit(KindInstance, Changed, i.ID, i.Meta)
}

func (t *tx) terminated(i *Instance) {
	if i.State == "terminated" {
		return
	}
	i.State = "terminated"
	t.dropInterfaces(KindInstance, i.ID)
	t.dropTargets(i.ID)
	i.PrivateIP, i.PublicIP, i.PrivateDNSName, i.PublicDNS = "", "", "", ""
	t.emit(KindInstance, Deleted, i.ID, i.Meta)
	t.later(forgetAfter, func(t *tx) { delete(t.db.instances, i.ID) })
}

func (t *tx) instance(id string) (*Instance, error) {
	i, ok := t.db.instances[id]
	if !ok || i.Region != t.caller.Region {
		return nil, refuse("InvalidInstanceID.NotFound", "The instance ID '%s' does not exist", id)
	}
	return i, nil
}

// DescribeInstance reads one instance; a terminated one is remembered for an hour.
func (c *Client) DescribeInstance(ctx context.Context, id string) (Instance, error) {
	return call(ctx, c, "ec2:DescribeInstances", func(t *tx) (Instance, error) {
		i, err := t.instance(id)
		if err != nil {
			return Instance{}, err
		}
		return *i, nil
	})
}

// TerminateInstance starts the end of an instance.
func (c *Client) TerminateInstance(ctx context.Context, id string) error {
	return do(ctx, c, "ec2:TerminateInstances", func(t *tx) error {
		i, err := t.instance(id)
		if err != nil {
			return err
		}
		if i.State == "shutting-down" || i.State == "terminated" {
			return nil
		}
		if i.DisableAPITermination {
			return refuse("OperationNotPermitted", "The instance '%s' may not be terminated. Modify its "+
				"'disableApiTermination' instance attribute and try again.", id)
		}
		i.StateReasonCode = "Client.UserInitiatedShutdown"
		i.StateReason = "Client.UserInitiatedShutdown: User initiated shutdown"
		t.shutDown(i)
		return nil
	})
}

func (t *tx) shutDown(i *Instance) {
	i.State = "shutting-down"
	t.emit(KindInstance, Changed, i.ID, i.Meta)
	t.settle("ec2:TerminateInstances", func(t *tx) { t.terminated(i) })
}

// StopInstance stops a running instance. Its public address is given back.
func (c *Client) StopInstance(ctx context.Context, id string) error {
	return do(ctx, c, "ec2:StopInstances", func(t *tx) error {
		i, err := t.instance(id)
		if err != nil {
			return err
		}
		if i.State == "stopped" || i.State == "stopping" {
			return nil
		}
		if i.State != "running" {
			return refuse("IncorrectInstanceState", "The instance '%s' is not in a state from which it can be stopped.", id)
		}
		if i.DisableAPIStop {
			return refuse("OperationNotPermitted", "The instance '%s' may not be stopped. Modify its 'disableApiStop' "+
				"instance attribute and try again.", id)
		}
		i.State = "stopping"
		t.emit(KindInstance, Changed, id, i.Meta)
		t.settle("ec2:StopInstances", func(t *tx) {
			if i.State != "stopping" {
				return
			}
			i.State, i.PublicIP, i.PublicDNS = "stopped", "", ""
			for _, n := range t.interfacesOf(KindInstance, id) {
				n.PublicIP = ""
			}
			t.emit(KindInstance, Changed, id, i.Meta)
		})
		return nil
	})
}

// StartInstance starts a stopped instance; a public address that it gets is a new one.
func (c *Client) StartInstance(ctx context.Context, id string) error {
	return do(ctx, c, "ec2:StartInstances", func(t *tx) error {
		i, err := t.instance(id)
		if err != nil {
			return err
		}
		if i.State != "stopped" {
			return refuse("IncorrectInstanceState", "The instance '%s' is not in a state from which it can be started.", id)
		}
		i.State = "pending"
		t.givePublicAddress(i)
		t.emit(KindInstance, Changed, id, i.Meta)
		t.settle("ec2:RunInstances", func(t *tx) { t.started(i, nil) })
		return nil
	})
}

func (t *tx) givePublicAddress(i *Instance) {
	s := t.db.subnets[i.SubnetID]
	if s == nil || !s.MapPublicIPOnLaunch {
		return
	}
	i.PublicIP = t.publicAddress()
	if v := t.db.vpcs[i.VPCID]; v != nil && v.DNSHostnames {
		i.PublicDNS = "ec2-" + strings.ReplaceAll(i.PublicIP, ".", "-") + "." + i.Region + ".compute.amazonaws.com"
	}
	for _, n := range t.interfacesOf(KindInstance, i.ID) {
		n.PublicIP = i.PublicIP
	}
}

// InstanceAttributes are what ModifyInstanceAttribute changes: one of them a call.
type InstanceAttributes struct {
	InstanceType                                                         *string
	Groups                                                               []string
	SourceDestCheck, EBSOptimized, DisableAPITermination, DisableAPIStop *bool
	UserData                                                             *string
}

// ModifyInstanceAttribute changes an instance. Type, user data and EBS optimisation need it to be stopped.
func (c *Client) ModifyInstanceAttribute(ctx context.Context, id string, in InstanceAttributes) error {
	return do(ctx, c, "ec2:ModifyInstanceAttribute", func(t *tx) error {
		i, err := t.instance(id)
		if err != nil {
			return err
		}
		if i.State == "shutting-down" || i.State == "terminated" {
			return refuse("IncorrectInstanceState", "The instance '%s' is %s.", id, i.State)
		}
		if (in.InstanceType != nil || in.UserData != nil || in.EBSOptimized != nil) && i.State != "stopped" {
			return refuse("IncorrectInstanceState", "The instance '%s' is not in the 'stopped' state.", id)
		}
		if in.InstanceType != nil && !instanceTypes.MatchString(*in.InstanceType) {
			return refuse("InvalidParameterValue", "Invalid value '%s' for InstanceType.", *in.InstanceType)
		}
		if len(in.Groups) > 0 {
			if err := t.groupsIn(in.Groups, i.VPCID); err != nil {
				return err
			}
			i.Groups = slices.Clone(in.Groups)
			t.setGroups(KindInstance, id, in.Groups)
		}
		set(&i.InstanceType, in.InstanceType)
		set(&i.UserData, in.UserData)
		set(&i.SourceDestCheck, in.SourceDestCheck)
		set(&i.EBSOptimized, in.EBSOptimized)
		set(&i.DisableAPITermination, in.DisableAPITermination)
		set(&i.DisableAPIStop, in.DisableAPIStop)
		t.emit(KindInstance, Changed, id, i.Meta)
		return nil
	})
}

// Instances lists all instances, terminated ones included as long as AWS describes them.
func (c *Cloud) Instances() []Instance {
	c.mu.Lock()
	defer c.mu.Unlock()
	return list(c.db.instances, nil)
}

// Instance reads one instance of any region.
func (c *Cloud) Instance(id string) (Instance, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i, ok := c.db.instances[id]
	if !ok {
		return Instance{}, false
	}
	return *i, true
}
