"""Whether there is anything to speak to AWS with, said before the provider is even looked for."""

import os
from collections.abc import Mapping

from recovery.errors import BadInputError
from recovery.settings import Settings

_STEP = "look for AWS credentials"
_CONFIGURED = (
    "aws:accessKey",
    "aws:assumeRole",
    "aws:assumeRoles",
    "aws:assumeRoleWithWebIdentity",
)


def require_credentials(settings: Settings, provider: Mapping[str, str]) -> None:
    """Returns when the stack has no need of AWS, or credentials and a region are there.

    ``provider``: the AWS provider's own settings (``aws:region``, ``aws:profile``, …). Nothing
    is asked over the network, but for a machine in AWS itself its own role. Raises
    :class:`BadInputError` with what to set.
    """
    if settings.machine != "aws" and settings.dns.kind != "route53":
        return
    from botocore.exceptions import BotoCoreError
    from botocore.session import Session

    session = Session(profile=provider.get("aws:profile") or None)
    try:
        found = any(provider.get(key) for key in _CONFIGURED) or session.get_credentials()
        # AWS_REGION is the provider's; botocore knows AWS_DEFAULT_REGION alone.
        region = (
            provider.get("aws:region")
            or os.environ.get("AWS_REGION")
            or session.get_config_variable("region")
        )
    except BotoCoreError as unusable:
        raise BadInputError(
            f"the AWS profile can't be used: {unusable}",
            step=_STEP,
            hint="`aws configure list-profiles` shows what there is; set AWS_PROFILE, or "
            "`pulumi config set aws:profile NAME`",
        ) from unusable
    if not found:
        raise BadInputError(
            "there are no AWS credentials",
            step=_STEP,
            hint="set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; "
            "`recovery aws policy` prints what they must be allowed. Nothing was changed",
        )
    if not region:
        raise BadInputError(
            "no AWS region is set",
            step=_STEP,
            hint="`pulumi config set aws:region REGION`, the one of the vault's bucket",
        )
