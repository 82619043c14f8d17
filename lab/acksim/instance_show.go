package acksim

import "usermanagement.dev/stack/lab/cloud"

// showInstance takes over what RunInstances and DescribeInstances answer: nearly all of spec.
func (p *pass) showInstance(o *object, i cloud.Instance) {
	p.showTags(o, i.Tags)
	p.showInstanceSpec(o.spec(), i)
	status := o.status()
	status["instanceID"], status["vpcID"], status["sourceDestCheck"] = i.ID, i.VPCID, i.SourceDestCheck
	status["state"] = tree{"code": int64(i.StateCode()), "name": i.State}
	put(status, "launchTime", stamp(i.LaunchTime))
	put(status, "privateDNSName", i.PrivateDNSName)
	put(status, "publicDNSName", i.PublicDNS)
	put(status, "publicIPAddress", i.PublicIP)
	status["architecture"], status["hypervisor"], status["virtualizationType"] = "x86_64", "xen", "hvm"
	status["rootDeviceType"], status["rootDeviceName"] = "ebs", i.BlockDevices[0].DeviceName
	status["enaSupport"], status["amiLaunchIndex"], status["platformDetails"] = true, int64(0), "Linux/UNIX"
	status["usageOperation"], status["bootMode"] = "RunInstances", "uefi-preferred"
	put(status, "stateTransitionReason", i.StateReasonCode)
	delete(status, "stateReason")
	if i.StateReasonCode != "" {
		status["stateReason"] = tree{"code": i.StateReasonCode, "message": i.StateReason}
	}
}

// showInstanceSpec overwrites spec. Lists come back poorer than they were: block devices lose size, type and encryption, the
// instance profile its name, and a network interface appears that no launch would accept beside the subnet.
func (p *pass) showInstanceSpec(spec tree, i cloud.Instance) {
	spec["imageID"], spec["instanceType"], spec["subnetID"] = i.ImageID, i.InstanceType, i.SubnetID
	put(spec, "securityGroupIDs", textList(i.Groups))
	put(spec, "securityGroups", textList(p.groupNames(i.Groups)))
	put(spec, "keyName", i.KeyName)
	delete(spec, "iamInstanceProfile")
	if i.ProfileARN != "" {
		spec["iamInstanceProfile"] = tree{"arn": i.ProfileARN}
	}
	spec["blockDeviceMappings"] = list(i.BlockDevices, func(d cloud.BlockDevice) any {
		return tree{"deviceName": d.DeviceName, "ebs": tree{"deleteOnTermination": d.DeleteOnTermination}}
	})
	put(spec, "privateIPAddress", i.PrivateIP)
	spec["networkInterfaces"] = []any{tree{
		"networkInterfaceID": i.InterfaceID, "subnetID": i.SubnetID, "privateIPAddress": i.PrivateIP, "interfaceType": "interface",
		"description":        "",
		"privateIPAddresses": []any{tree{"primary": true, "privateIPAddress": i.PrivateIP}},
	}}
	spec["placement"] = tree{"availabilityZone": i.Zone, "tenancy": "default", "groupName": ""}
	spec["cpuOptions"] = tree{"coreCount": int64(1), "threadsPerCore": int64(2)}
	spec["metadataOptions"] = tree{
		"httpEndpoint": i.Metadata.HTTPEndpoint, "httpTokens": i.Metadata.HTTPTokens,
		"httpPutResponseHopLimit": int64(i.Metadata.HTTPPutResponseHopLimit),
		"instanceMetadataTags":    i.Metadata.InstanceMetadataTags, "httpProtocolIPv6": i.Metadata.HTTPProtocolIPv6,
	}
	spec["monitoring"] = tree{"enabled": i.Monitoring}
	spec["hibernationOptions"] = tree{"configured": false}
	spec["enclaveOptions"] = tree{"enabled": false}
	spec["maintenanceOptions"] = tree{"autoRecovery": "default"}
	spec["privateDNSNameOptions"] = tree{
		"hostnameType": "ip-name", "enableResourceNameDNSARecord": false, "enableResourceNameDNSAAAARecord": false,
	}
	spec["capacityReservationSpecification"] = tree{"capacityReservationPreference": "open"}
	spec["ebsOptimized"], spec["sourceDestCheckEnabled"] = i.EBSOptimized, i.SourceDestCheck
}

// groupNames are the names of security groups, which AWS answers beside their ids.
func (p *pass) groupNames(ids []string) []string {
	names := make([]string, 0, len(ids))
	for _, id := range ids {
		names = append(names, p.side.SecurityGroupName(id))
	}
	return names
}
