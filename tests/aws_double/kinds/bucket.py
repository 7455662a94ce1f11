"""The vault's bucket: on a real S3 server, where objects, versions and locks are real.

That server (versitygw) has neither default encryption, lifecycle, replication nor a block of
public access, and it would hold a policy against its own plain HTTP: those are kept by moto's S3,
for a bucket of the same name.
"""

import json
from typing import Any, ClassVar

from aws_double.account import Account
from aws_double.kinds.kind import Kind, RefusedError, gone, tags


def _kept(account: Account, given: dict[str, Any]) -> Any:
    """moto's S3, in the bucket's region."""
    return account.client("s3", region=given.get("region") or "")


def _real(account: Account, given: dict[str, Any]) -> Any:
    """The real server; a bucket of a second region is there as well, beside the first."""
    where = account.places.s3
    return account.client("s3", endpoint=where) if where else _kept(account, given)


class Bucket(Kind):
    token = "aws:s3/bucket:Bucket"
    makes_another = frozenset({"bucket", "objectLockEnabled", "region"})

    def create(self, account: Account, name: str, given: dict[str, Any]) -> str:
        bucket = given["bucket"]
        region = given.get("region") or account.places.region
        lock = bool(given.get("objectLockEnabled"))
        where = {"CreateBucketConfiguration": {"LocationConstraint": region}}
        if account.places.s3:
            _real(account, given).create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=lock)
        if gone(lambda: _kept(account, given).head_bucket(Bucket=bucket)) is None:
            _kept(account, given).create_bucket(
                Bucket=bucket, ObjectLockEnabledForBucket=lock, **where
            )
        return bucket

    def settle(self, account: Account, ident: str, given: dict[str, Any]) -> None:
        if given.get("tags"):
            _kept(account, given).put_bucket_tagging(Bucket=ident, Tagging={"TagSet": tags(given)})

    def look(self, account: Account, ident: str, given: dict[str, Any]) -> dict[str, Any] | None:
        if gone(lambda: _real(account, given).head_bucket(Bucket=ident)) is None:
            return None
        return {"arn": f"arn:aws:s3:::{ident}", "bucketRegion": account.places.region}

    def adopt(self, account: Account, ident: str) -> dict[str, Any]:
        """As the real provider reads it: tags as they are, and its defaults."""
        kept = _kept(account, {})
        if gone(lambda: _real(account, {}).head_bucket(Bucket=ident)) is None:
            raise RefusedError(f"the bucket {ident} does not exist")
        found: dict[str, Any] = {"bucket": ident, "objectLockEnabled": True}
        if seen := gone(lambda: kept.get_bucket_tagging(Bucket=ident)):
            found["tags"] = {one["Key"]: one["Value"] for one in seen["TagSet"]}
        return found

    def delete(self, account: Account, ident: str, known: dict[str, Any]) -> None:
        if account.places.s3:
            gone(lambda: _real(account, known).delete_bucket(Bucket=ident))
        gone(lambda: _kept(account, known).delete_bucket(Bucket=ident))


class _Part(Kind):
    """A part of a bucket's configuration; its id is the bucket's name."""

    makes_another = frozenset({"bucket", "region"})
    real: ClassVar[bool] = False

    def create(self, account: Account, name: str, given: dict[str, Any]) -> str:
        self.settle(account, given["bucket"], given)
        return given["bucket"]

    def settle(self, account: Account, ident: str, given: dict[str, Any]) -> None:
        self.put(_real(account, given) if self.real else _kept(account, given), given)

    def put(self, s3: Any, given: dict[str, Any]) -> None:
        raise NotImplementedError

    def delete(self, account: Account, ident: str, known: dict[str, Any]) -> None:
        """Goes with the bucket."""


class Versioning(_Part):
    token = "aws:s3/bucketVersioning:BucketVersioning"
    real = True

    def put(self, s3: Any, given: dict[str, Any]) -> None:
        status = given["versioningConfiguration"]["status"]
        s3.put_bucket_versioning(Bucket=given["bucket"], VersioningConfiguration={"Status": status})


class Encryption(_Part):
    token = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"

    def put(self, s3: Any, given: dict[str, Any]) -> None:
        rules = []
        for rule in given["rules"]:
            default = rule["applyServerSideEncryptionByDefault"]
            said = {"SSEAlgorithm": default["sseAlgorithm"]}
            if default.get("kmsMasterKeyId"):
                said["KMSMasterKeyID"] = default["kmsMasterKeyId"]
            rules.append(
                {
                    "ApplyServerSideEncryptionByDefault": said,
                    "BucketKeyEnabled": bool(rule.get("bucketKeyEnabled")),
                }
            )
        s3.put_bucket_encryption(
            Bucket=given["bucket"], ServerSideEncryptionConfiguration={"Rules": rules}
        )


class PublicAccess(_Part):
    token = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"

    def put(self, s3: Any, given: dict[str, Any]) -> None:
        s3.put_public_access_block(
            Bucket=given["bucket"],
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": given["blockPublicAcls"],
                "BlockPublicPolicy": given["blockPublicPolicy"],
                "IgnorePublicAcls": given["ignorePublicAcls"],
                "RestrictPublicBuckets": given["restrictPublicBuckets"],
            },
        )


class Ownership(_Part):
    token = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
    real = True

    def put(self, s3: Any, given: dict[str, Any]) -> None:
        rule = {"ObjectOwnership": given["rule"]["objectOwnership"]}
        s3.put_bucket_ownership_controls(
            Bucket=given["bucket"], OwnershipControls={"Rules": [rule]}
        )


class Policy(_Part):
    token = "aws:s3/bucketPolicy:BucketPolicy"

    def put(self, s3: Any, given: dict[str, Any]) -> None:
        json.loads(given["policy"])
        s3.put_bucket_policy(Bucket=given["bucket"], Policy=given["policy"])


class ObjectLock(_Part):
    token = "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"
    real = True

    def put(self, s3: Any, given: dict[str, Any]) -> None:
        kept = given["rule"]["defaultRetention"]
        s3.put_object_lock_configuration(
            Bucket=given["bucket"],
            ObjectLockConfiguration={
                "ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": {"Mode": kept["mode"], "Days": kept["days"]}},
            },
        )


class Lifecycle(_Part):
    token = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"

    def put(self, s3: Any, given: dict[str, Any]) -> None:
        rules = [
            {
                "ID": rule["id"],
                "Status": rule["status"],
                "Filter": {"Prefix": ""},
                "NoncurrentVersionExpiration": {
                    "NoncurrentDays": rule["noncurrentVersionExpiration"]["noncurrentDays"]
                },
                "AbortIncompleteMultipartUpload": {
                    "DaysAfterInitiation": rule["abortIncompleteMultipartUpload"][
                        "daysAfterInitiation"
                    ]
                },
            }
            for rule in given["rules"]
        ]
        s3.put_bucket_lifecycle_configuration(
            Bucket=given["bucket"], LifecycleConfiguration={"Rules": rules}
        )


class Replication(_Part):
    token = "aws:s3/bucketReplicationConfig:BucketReplicationConfig"

    def put(self, s3: Any, given: dict[str, Any]) -> None:
        # It must be on in what keeps the replication, too; the real bucket has it already.
        on = {"Status": "Enabled"}
        s3.put_bucket_versioning(Bucket=given["bucket"], VersioningConfiguration=on)
        rules = [
            {
                "ID": rule["id"],
                "Status": rule["status"],
                "Priority": number,
                "Filter": {"Prefix": ""},
                "DeleteMarkerReplication": {"Status": rule["deleteMarkerReplication"]["status"]},
                "Destination": {
                    "Bucket": rule["destination"]["bucket"],
                    "StorageClass": rule["destination"]["storageClass"],
                },
            }
            for number, rule in enumerate(given["rules"])
        ]
        s3.put_bucket_replication(
            Bucket=given["bucket"],
            ReplicationConfiguration={"Role": given["role"], "Rules": rules},
        )


ALL: tuple[type[Kind], ...] = (
    Bucket,
    Versioning,
    Encryption,
    PublicAccess,
    Ownership,
    Policy,
    ObjectLock,
    Lifecycle,
    Replication,
)
