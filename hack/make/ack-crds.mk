##@ ACK

# The CustomResourceDefinitions of the ACK kinds that a stack is made of (and of Policy, which the simulator knows too). Those of ec2, iam and acm come with their Go
# modules; those of the others are made from the types that mirror them. UMS_ACK_CRDS names a folder of ACK's own newest
# ones, in any depth, to take all of them from instead.
ACK_CRDS := $(BIN)/ack-crds
ACK_MODULES := github.com/aws-controllers-k8s
ACK_EC2 := elasticipaddresses instances internetgateways natgateways routetables securitygroups subnets vpcs
ACK_IAM := instanceprofiles policies roles
ACK_ACM := certificates
ACK_MIRRORED := elbv2 rds route53 secretsmanager

.PHONY: ack-crds
ack-crds: $(BIN)/controller-gen ## Put the CRDs of the ACK kinds into bin/ack-crds
	@rm -rf $(ACK_CRDS) && mkdir -p $(ACK_CRDS)
ifdef UMS_ACK_CRDS
	@find $(UMS_ACK_CRDS) -name '*.services.k8s.aws_*.yaml' -exec cp {} $(ACK_CRDS)/ \;
else
	@$(GO) mod download $(patsubst %,$(ACK_MODULES)/%-controller,ec2 iam acm)
	@copy() { dir=$$($(GO) list -m -f '{{.Dir}}' $(ACK_MODULES)/$$1-controller)/config/crd/bases; shift; \
	  for name in "$$@"; do install -m 0644 "$$dir/$$name.yaml" $(ACK_CRDS)/; done; }; \
	copy ec2 $(ACK_EC2:%=ec2.services.k8s.aws_%); \
	copy iam $(ACK_IAM:%=iam.services.k8s.aws_%); \
	copy acm $(ACK_ACM:%=acm.services.k8s.aws_%)
	@$(CONTROLLER_GEN) crd:maxDescLen=0 $(ACK_MIRRORED:%=paths=./internal/ack/%/...) output:crd:dir=$(ACK_CRDS)
endif
	@echo "$$(ls $(ACK_CRDS) | wc -l) definitions in $(ACK_CRDS)"
