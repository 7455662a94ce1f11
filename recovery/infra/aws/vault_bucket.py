"""The vault's bucket: versioned, encrypted, locked against deletion, copied to a second region."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_aws import iam, s3

_OF_THE_LOST_STACK = ("tags", "tagsAll", "forceDestroy", "objectLockEnabled")


@dataclass(frozen=True)
class VaultBucketArgs:
    """``bucket``: its name, unique in the world. ``adopt``: it exists already.

    ``lock_days``: how long an object can't be deleted by anyone but a holder of
    ``s3:BypassGovernanceRetention``; ``keep_days``: how long deleted and overwritten versions
    stay. ``copy_region``: a second region; empty for none. ``kms_key``: ARN; empty: AES256.
    """

    bucket: str
    lock_days: int = 30
    keep_days: int = 90
    copy_region: str = ""
    kms_key: str = ""
    adopt: bool = False
    tags: Mapping[str, str] | None = None


class VaultBucket(pulumi.ComponentResource):
    """``bucket`` is its name, ``uri`` what recovery:vault takes."""

    def __init__(
        self, name: str, args: VaultBucketArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("recovery:aws:VaultBucket", name, None, opts)
        self._args = args
        self._tags = dict(args.tags or {})
        bucket, versioning = self._bucket(name, args.bucket, region=None)
        if args.copy_region:
            self._copy(name, bucket, versioning)
        self.bucket: pulumi.Output[str] = bucket.bucket
        self.uri = self.bucket.apply(lambda made: f"s3://{made}")
        self.register_outputs({"bucket": self.bucket, "uri": self.uri})

    def _bucket(
        self, name: str, bucket_name: str, region: str | None
    ) -> tuple[s3.Bucket, s3.BucketVersioning]:
        args = self._args
        child = pulumi.ResourceOptions(parent=self)
        kept = pulumi.ResourceOptions(
            parent=self,
            protect=True,
            import_=bucket_name if args.adopt else None,
            # An import is refused where a property differs; the lost stack's tags do.
            ignore_changes=list(_OF_THE_LOST_STACK) if args.adopt else None,
        )
        bucket = s3.Bucket(
            name,
            bucket=bucket_name,
            object_lock_enabled=True,
            force_destroy=False,
            region=region,
            tags=self._tags,
            opts=kept,
        )
        versioning = s3.BucketVersioning(
            name,
            bucket=bucket.id,
            versioning_configuration={"status": "Enabled"},
            region=region,
            opts=child,
        )
        s3.BucketServerSideEncryptionConfiguration(
            name,
            bucket=bucket.id,
            rules=[encryption(args.kms_key if region is None else "")],
            region=region,
            opts=child,
        )
        s3.BucketPublicAccessBlock(
            name,
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            region=region,
            opts=child,
        )
        s3.BucketOwnershipControls(
            name,
            bucket=bucket.id,
            rule={"object_ownership": "BucketOwnerEnforced"},
            region=region,
            opts=child,
        )
        s3.BucketPolicy(
            name,
            bucket=bucket.id,
            policy=json.dumps(tls_only(bucket_name)),
            region=region,
            opts=child,
        )
        # Versioning must be on before a lock and a rule about old versions mean anything.
        then = pulumi.ResourceOptions(parent=self, depends_on=[versioning])
        s3.BucketObjectLockConfiguration(
            name,
            bucket=bucket.id,
            rule={"default_retention": {"mode": "GOVERNANCE", "days": args.lock_days}},
            region=region,
            opts=then,
        )
        s3.BucketLifecycleConfiguration(
            name,
            bucket=bucket.id,
            rules=[lifecycle(args.keep_days)],
            region=region,
            opts=then,
        )
        return bucket, versioning

    def _copy(self, name: str, bucket: s3.Bucket, versioning: s3.BucketVersioning) -> None:
        """Everything is copied; deletions are not, so that an attacker's don't follow."""
        args = self._args
        copy_name = f"{args.bucket}-copy"
        copy, copy_versioning = self._bucket(f"{name}-copy", copy_name, region=args.copy_region)
        child = pulumi.ResourceOptions(parent=self)
        role = iam.Role(
            f"{name}-copy", assume_role_policy=json.dumps(TRUST), tags=self._tags, opts=child
        )
        iam.RolePolicy(
            f"{name}-copy",
            role=role.id,
            policy=json.dumps(copy_policy(args.bucket, copy_name)),
            opts=child,
        )
        s3.BucketReplicationConfig(
            f"{name}-copy",
            bucket=bucket.id,
            role=role.arn,
            rules=[
                {
                    "id": "everything",
                    "status": "Enabled",
                    "filter": {},
                    "delete_marker_replication": {"status": "Disabled"},
                    "destination": {"bucket": copy.arn, "storage_class": "STANDARD_IA"},
                }
            ],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[versioning, copy_versioning]),
        )


TRUST: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "s3.amazonaws.com"},
        }
    ],
}


def encryption(kms_key: str) -> s3.BucketServerSideEncryptionConfigurationRuleArgsDict:
    """The bucket's default encryption; a bucket key spares a KMS call an object."""
    if not kms_key:
        return {"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}
    return {
        "apply_server_side_encryption_by_default": {
            "sse_algorithm": "aws:kms",
            "kms_master_key_id": kms_key,
        },
        "bucket_key_enabled": True,
    }


def lifecycle(keep_days: int) -> s3.BucketLifecycleConfigurationRuleArgsDict:
    """Old versions go after ``keep_days``, cut-off uploads after a week; nothing current ever."""
    return {
        "id": "old-versions",
        "status": "Enabled",
        "filter": {},
        "noncurrent_version_expiration": {"noncurrent_days": keep_days},
        "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
    }


def tls_only(bucket: str) -> dict[str, Any]:
    """A bucket policy that refuses whatever doesn't come by TLS."""
    arn = f"arn:aws:s3:::{bucket}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "TlsOnly",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [arn, f"{arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }


def copy_policy(source: str, copy: str) -> dict[str, Any]:
    """What replication needs: read versions here, write them there."""
    here, there = f"arn:aws:s3:::{source}", f"arn:aws:s3:::{copy}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["s3:GetReplicationConfiguration", "s3:ListBucket"],
                "Resource": here,
            },
            {
                "Effect": "Allow",
                "Action": [
                    "s3:GetObjectVersionForReplication",
                    "s3:GetObjectVersionAcl",
                    "s3:GetObjectVersionTagging",
                    "s3:GetObjectRetention",
                    "s3:GetObjectLegalHold",
                ],
                "Resource": f"{here}/*",
            },
            {
                "Effect": "Allow",
                "Action": ["s3:ReplicateObject", "s3:ReplicateTags"],
                "Resource": f"{there}/*",
            },
        ],
    }
