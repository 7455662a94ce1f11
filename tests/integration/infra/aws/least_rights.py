"""Which parts of a policy a stack's life needed: what can be taken away without a refusal."""

import copy
import sys
from contextlib import contextmanager
from fnmatch import fnmatchcase

from recovery.infra.workspace import CLONE

BY_THE_TOOLKIT = [
    {"action": "s3:ListBucket", "resource": "arn:aws:s3:::vault", "kind": "bucket"},
    {"action": "s3:GetObject", "resource": "arn:aws:s3:::vault/points/p1", "kind": "object"},
]
"""What reading the vault s3://vault/points asks, without the provider."""
BY_THE_PROOF = [{"action": "elasticloadbalancing:DescribeTargetHealth", "resource": "*"}]
READ_BY_THE_PROVIDER = [
    "ec2:DescribeAddressesAttribute",
    "ec2:DescribeInstanceAttribute",
    "ec2:DescribeInstanceTypes",
    "ec2:DescribeInstanceCreditSpecifications",
    "ec2:DescribeNetworkAcls",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeTags",
    "ec2:DescribeVolumesModifications",
    "ec2:DescribeVpcAttribute",
    "iam:ListAttachedRolePolicies",
    "iam:ListInstanceProfilesForRole",
    "iam:ListRolePolicies",
    "route53:GetChange",
    "route53:ListHostedZonesByName",
    "route53:ListTagsForResource",
    "s3:GetAccelerateConfiguration",
    "s3:GetBucketAcl",
    "s3:GetBucketCORS",
    "s3:GetBucketLocation",
    "s3:GetBucketLogging",
    "s3:GetBucketObjectLockConfiguration",
    "s3:GetBucketOwnershipControls",
    "s3:GetBucketPolicy",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketRequestPayment",
    "s3:GetBucketTagging",
    "s3:GetBucketVersioning",
    "s3:GetBucketWebsite",
    "s3:GetEncryptionConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:GetReplicationConfiguration",
    "s3:ListTagsForResource",
]
"""What the real provider reads back of each resource, and the double has no need to."""
CHANGED_LATER = [
    "ec2:AssociateIamInstanceProfile",
    "ec2:CreateTags",
    "ec2:DeleteRoute",
    "ec2:DeleteTags",
    "ec2:ModifyInstanceMetadataOptions",
    "ec2:ModifySecurityGroupRules",
    "ec2:StartInstances",
    "elasticloadbalancing:AddTags",
    "elasticloadbalancing:ModifyListenerAttributes",
    "elasticloadbalancing:ModifyLoadBalancerAttributes",
    "elasticloadbalancing:ModifyTargetGroup",
    "elasticloadbalancing:RemoveTags",
    "elasticloadbalancing:SetSecurityGroups",
    "route53:UpdateHealthCheck",
    "s3:TagResource",
    "s3:UntagResource",
]
"""What changes in place when a setting does, or when a newer program asks for more."""
UNTAGGED = ["ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress"]
"""Where a new network's default group is closed, which has no tag: any group could be closed."""
BY_NAME = ["elasticloadbalancing:CreateListener"]
"""Bound to the balancer's name, not to its tag."""


def beside(policy, more=()):
    """The rights of this policy that only the real provider uses: ``Sid action`` each.

    Tagging at a creation (TagNew, BalancerTagNew) is used by every stack, and is none of them.
    """
    known = {*READ_BY_THE_PROVIDER, *CHANGED_LATER, *more}
    return {
        f"{one['Sid']} {action}"
        for one in policy["Statement"]
        for action in one["Action"]
        if action in known and not one["Sid"].endswith("TagNew")
    }


def refused(policy, asked):
    """Every question that the policy does not allow, with the reason."""
    with judge() as refusal:
        return [words for ask in asked if (words := refusal(policy, ask))]


def allowed(policy, asked):
    """The actions of the questions that the policy does allow."""
    with judge() as refusal:
        return {ask["action"] for ask in asked if not refusal(policy, ask)}


def needless(policy, asked):
    """``Sid action`` of each right whose absence refuses nothing that was asked."""
    found = set()
    with judge() as refusal:
        for at, statement in enumerate(policy["Statement"]):
            for action in statement["Action"]:
                less = copy.deepcopy(policy)
                left = [one for one in statement["Action"] if one != action]
                less["Statement"][at]["Action"] = left
                touched = [ask for ask in asked if fnmatchcase(ask["action"], action)]
                if not any(refusal(less, ask) for ask in touched):
                    found.add(f"{statement['Sid']} {action}")
    return found


@contextmanager
def judge():
    """The double's own judge, and what it is asked, as it imports itself."""
    sys.path.insert(0, str(CLONE / "tests"))
    try:
        from aws_double import asks
        from aws_double import judge as judging

        yield lambda policy, ask: judging.refusal(policy, asks.Ask(**ask))
    finally:
        sys.path.remove(str(CLONE / "tests"))
        for name in [name for name in sys.modules if name.startswith("aws_double")]:
            del sys.modules[name]


def elsewhere(asked, word="recovery-another"):
    """The same questions about what is another's: other tags, other names, another zone's name."""
    for ask in asked:
        context = dict(ask.get("context", {}))
        for key in context:
            if key.startswith("aws:ResourceTag/velociraptor"):
                yield {**ask, "context": {**context, key: [word]}}
            if key.endswith("NormalizedRecordNames"):
                yield {**ask, "context": {**context, key: ["www.example.test"]}}
        for kind in ("role/", "instance-profile/", "arn:aws:s3:::"):
            head, found, _ = ask["resource"].partition(kind)
            if found:
                yield {**ask, "resource": f"{head}{found}{word}"}
