# ruff: noqa: INP001 - the folder of a Pulumi project, not a package
"""The vault's bucket, as a stack of its own: it outlives every server and their stacks.

`pulumi -C recovery/infra/aws/vault_stack up`, with credentials that no server has.
"""

import sys
from pathlib import Path

import pulumi

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from recovery.infra.aws.vault_bucket import VaultBucket, VaultBucketArgs

config = pulumi.Config()
bucket = VaultBucket(
    "vault",
    VaultBucketArgs(
        bucket=config.require("bucket"),
        lock_days=config.require_int("lockDays"),
        keep_days=config.require_int("keepDays"),
        copy_region=config.get("copyRegion") or "",
        kms_key=config.get("kmsKey") or "",
        adopt=config.require_bool("adopt"),
        tags={"velociraptor-recovery.stack": f"{pulumi.get_project()}-{pulumi.get_stack()}"},
    ),
)
pulumi.export("vault", bucket.uri)
