"""Two key pairs that a machine reached by SSH needs, made once and kept in the stack as secrets.

The operator's pair opens the machine; the machine's own pair makes its host key known before
the first connection, so that nothing is ever trusted on first use.
"""

from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider

SECRET = ["privateKey", "hostPrivateKey"]


class SshKeysProvider(ResourceProvider):
    """Ed25519, in OpenSSH's formats. Never made again while the stack lives."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        private, public = key_pair()
        host_private, host_public = key_pair()
        pairs = {
            "privateKey": private,
            "publicKey": public,
            "hostPrivateKey": host_private,
            "hostPublicKey": host_public,
        }
        return CreateResult(f"ssh-keys-{public[-12:]}", {**props, **pairs})

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        return DiffResult(changes=False)


class SshKeys(Resource, module="recovery", name="SshKeys"):
    """The operator's key pair and the machine's host key pair."""

    privateKey: pulumi.Output[str]  # noqa: N815 - Pulumi's name of the property
    publicKey: pulumi.Output[str]  # noqa: N815
    hostPrivateKey: pulumi.Output[str]  # noqa: N815
    hostPublicKey: pulumi.Output[str]  # noqa: N815

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        made = dict.fromkeys(("privateKey", "publicKey", "hostPrivateKey", "hostPublicKey"))
        marked = pulumi.ResourceOptions(additional_secret_outputs=SECRET)
        super().__init__(
            SshKeysProvider(), name, dict(made), pulumi.ResourceOptions.merge(opts, marked)
        )


def key_pair() -> tuple[str, str]:
    """A new Ed25519 pair: the private key as OpenSSH's PEM, the public one as its one line."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
    )

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return private.decode(), public.decode()
