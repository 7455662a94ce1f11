"""The calls to AWS that the provider makes for a plan, by what they are for: IAM's own names."""

LOOK = (
    "DescribeImages",
    "DescribeInstanceAttribute",
    "DescribeInstanceCreditSpecifications",
    "DescribeInstanceTypes",
    "DescribeInstances",
    "DescribeKeyPairs",
    "DescribeNetworkInterfaces",
    "DescribeSecurityGroupRules",
    "DescribeSecurityGroups",
    "DescribeSubnets",
    "DescribeTags",
    "DescribeVolumes",
    "DescribeVolumesModifications",
)
MADE_OF_OTHERS = ("CreateSecurityGroup", "RunInstances")
"""Made in a network, with a key and a group: those must be the stack's own, or given."""
MADE = ("CreateVolume", "RunInstances")
MADE_BY_NAME = ("CreateSecurityGroup", "ImportKeyPair")
SERVER_OWN = (
    "AssociateIamInstanceProfile",
    "AttachVolume",
    "CreateTags",
    "DeleteKeyPair",
    "DeleteSecurityGroup",
    "DeleteTags",
    "DetachVolume",
    "ModifyInstanceAttribute",
    "ModifyInstanceMetadataOptions",
    "ModifyVolume",
    "StartInstances",
    "StopInstances",
    "TerminateInstances",
)
PORTS = ("AuthorizeSecurityGroup*", "ModifySecurityGroupRules")
CLOSING = ("RevokeSecurityGroup*",)
"""A new group lets everything out until then; a new VPC's default group lets its members in."""
ADDRESS_LOOK = ("DescribeAddresses", "DescribeAddressesAttribute")
ADDRESS = ("AssociateAddress", "DisassociateAddress")
NETWORK_LOOK = (
    "DescribeAvailabilityZones",
    "DescribeInternetGateways",
    "DescribeNetworkAcls",
    "DescribeRouteTables",
    "DescribeVpcAttribute",
    "DescribeVpcs",
)
NETWORK_MADE = ("CreateInternetGateway", "CreateVpc")
NETWORK_MADE_IN = ("CreateRouteTable", "CreateSubnet")
NETWORK_OWN = (
    "AssociateRouteTable",
    "AttachInternetGateway",
    "CreateRoute",
    "DeleteInternetGateway",
    "DeleteRoute",
    "DeleteRouteTable",
    "DeleteSubnet",
    "DeleteVpc",
    "DetachInternetGateway",
    "DisassociateRouteTable",
    "ModifySubnetAttribute",
    "ModifyVpcAttribute",
)
ROLE = (
    "AddRoleToInstanceProfile",
    "CreateInstanceProfile",
    "CreateRole",
    "DeleteInstanceProfile",
    "DeleteRole",
    "DeleteRolePolicy",
    "GetInstanceProfile",
    "GetRole",
    "GetRolePolicy",
    "ListAttachedRolePolicies",
    "ListInstanceProfilesForRole",
    "ListRolePolicies",
    "PutRolePolicy",
    "RemoveRoleFromInstanceProfile",
    "TagInstanceProfile",
    "TagRole",
)
BALANCER_LOOKS = ("Describe*",)
"""Ten calls, all of them looks: named one by one, the largest plan's policy would be too long."""
BALANCER = ("CreateListener", "CreateLoadBalancer", "CreateTargetGroup")
BALANCER_OWN = (
    "AddTags",
    "DeleteListener",
    "DeleteLoadBalancer",
    "DeleteTargetGroup",
    "DeregisterTargets",
    "ModifyListenerAttributes",
    "ModifyLoadBalancerAttributes",
    "ModifyTargetGroup",
    "ModifyTargetGroupAttributes",
    "RegisterTargets",
    "RemoveTags",
    "SetSecurityGroups",
)
ZONE = ("GetHostedZone", "ListResourceRecordSets", "ListTagsForResource")
ZONES = ("ListHostedZones", "ListHostedZonesByName")
CHECK_OWN = (
    "ChangeTagsForResource",
    "DeleteHealthCheck",
    "GetHealthCheck",
    "ListTagsForResource",
    "UpdateHealthCheck",
)
KMS = ("CreateGrant", "Decrypt", "DescribeKey", "GenerateDataKeyWithoutPlaintext")
KMS_SNAPSHOT = ("ReEncryptFrom", "ReEncryptTo")
BUCKET = (
    "CreateBucket",
    "GetAccelerateConfiguration",
    "GetBucketAcl",
    "GetBucketCORS",
    "GetBucketLocation",
    "GetBucketLogging",
    "GetBucketObjectLockConfiguration",
    "GetBucketOwnershipControls",
    "GetBucketPolicy",
    "GetBucketPublicAccessBlock",
    "GetBucketRequestPayment",
    "GetBucketTagging",
    "GetBucketVersioning",
    "GetBucketWebsite",
    "GetEncryptionConfiguration",
    "GetLifecycleConfiguration",
    "GetReplicationConfiguration",
    "ListBucket",
    "ListTagsForResource",
    "PutBucketObjectLockConfiguration",
    "PutBucketOwnershipControls",
    "PutBucketPolicy",
    "PutBucketPublicAccessBlock",
    "PutBucketTagging",
    "PutBucketVersioning",
    "PutEncryptionConfiguration",
    "PutLifecycleConfiguration",
    "PutReplicationConfiguration",
    "TagResource",
    "UntagResource",
)
"""No right to delete the bucket or an object: whoever ends a stack doesn't end the vault."""
