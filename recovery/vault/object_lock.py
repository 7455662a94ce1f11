"""Whether S3's object lock holds an object. By boto3: obstore doesn't know of locks."""

from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from recovery.errors import VaultError


class ObjectLock:
    """The lock of the bucket below ``prefix``; asked only when something is to be removed."""

    def __init__(self, bucket: str, prefix: str, *, endpoint: str, region: str, style: str) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._endpoint = endpoint or None
        self._region = region
        self._style = "path" if style == "path" else "virtual"

    @cached_property
    def _client(self) -> Any:
        config = Config(s3={"addressing_style": self._style}, retries={"max_attempts": 5})
        # A session of its own: the default one keeps the first credentials it ever saw.
        return boto3.Session().client(
            "s3", endpoint_url=self._endpoint, region_name=self._region, config=config
        )

    @cached_property
    def _enabled(self) -> bool:
        try:
            self._client.get_object_lock_configuration(Bucket=self._bucket)
        except ClientError as refused:
            if "NotFound" in refused.response.get("Error", {}).get("Code", ""):
                return False
            raise self._failed(refused) from refused
        except BotoCoreError as refused:
            raise self._failed(refused) from refused
        return True

    def holds(self, name: str) -> str:
        """Until when, or by what, ``name`` is locked; empty when it isn't.

        Raises :class:`VaultError` when the storage doesn't say: unknown is not unlocked.
        """
        if not self._enabled:
            return ""
        key = f"{self._prefix}/{name}" if self._prefix else name
        try:
            about = self._client.head_object(Bucket=self._bucket, Key=key)
        except ClientError as refused:
            if refused.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == _NOT_FOUND:
                return ""
            raise self._failed(refused) from refused
        except BotoCoreError as refused:
            raise self._failed(refused) from refused
        if about.get("ObjectLockLegalHoldStatus") == "ON":
            return "legal hold"
        until = about.get("ObjectLockRetainUntilDate")
        return f"until {until:%Y-%m-%d %H:%M} UTC" if until and until > datetime.now(UTC) else ""

    def _failed(self, cause: Exception) -> VaultError:
        return VaultError(
            f"the storage does not say whether objects are locked: {cause}",
            step="vault",
            target=f"s3://{self._bucket}/{self._prefix}",
            hint="nothing was removed; rights needed: s3:GetBucketObjectLockConfiguration, "
            "s3:GetObjectRetention, s3:GetObjectLegalHold",
        )


_NOT_FOUND = 404
