"""The door to AWS: boto3 clients for a switch and a check, refusals as :class:`TargetError`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from recovery.errors import TargetError

_CALM = Config(connect_timeout=10, read_timeout=30, retries={"max_attempts": 4, "mode": "standard"})


def aws_client(service: str, region: str, endpoint: str = "", profile: str = "") -> Any:
    """A boto3 client; credentials are the profile's, else the environment's.

    Empty ``endpoint``: AWS itself, or what the environment names.
    """
    import boto3  # noqa: PLC0415 - loads slowly, and only what asks AWS needs it

    with refusals(f"AWS {service}"):
        session = boto3.Session(profile_name=profile or None, region_name=region or None)
        return session.client(service, endpoint_url=endpoint or None, config=_CALM)


@contextmanager
def refusals(target: str, step: str = "ask AWS") -> Iterator[None]:
    """What AWS refuses within, as a :class:`TargetError`."""
    try:
        yield
    except (ClientError, BotoCoreError) as refused:
        raise TargetError(
            str(refused),
            step=step,
            target=target,
            hint="are AWS_PROFILE or AWS_ACCESS_KEY_ID, AWS_REGION and the right to do it there?",
        ) from refused
