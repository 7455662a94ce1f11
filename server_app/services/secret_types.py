"""The kinds of secrets, their fields, and which fields must be given."""

from __future__ import annotations

import re
from typing import Any


def _type(description: str, fields: str, *needed: str) -> dict[str, Any]:
    """`needed`: of each of these groups one field at least has to be given."""
    groups = [group.split() for group in needed]
    return {"description": description, "fields": fields.split(), "needed": groups}


def is_complete(type_name: str, fields: dict[str, str]) -> bool:
    """What the verifier of a type asks of a secret (seen on a real server)."""
    if type_name == "HTTP Secrets" and not METHODS.search(fields["method"]):
        return False
    return all(any(fields[name] for name in group) for group in TYPES[type_name]["needed"])


METHODS = re.compile("GET|POST|PUT|DELETE|^$", re.IGNORECASE)

TYPES: dict[str, dict[str, Any]] = {
    "AWS S3 Creds": _type(
        "Access to an S3 bucket.",
        "region skip_verify credentials_key credentials_secret credentials_token endpoint "
        "serverside_encryption kms_encryption_key path_style",
        "credentials_key credentials_token serverside_encryption kms_encryption_key",
        "credentials_secret credentials_token serverside_encryption kms_encryption_key",
    ),
    "SSH PrivateKey": _type(
        "Access to a host by SSH.",
        "username password private_key hostname",
        "username",
        "hostname",
        "password private_key",
    ),
    "HTTP Secrets": _type(
        "Access to a web service.",
        "url url_regex method user_agent root_ca skip_verify extra_params extra_headers cookies",
        "url url_regex",
    ),
    "Splunk Creds": _type(
        "Access to Splunk.",
        "url token index source root_ca hostname hostname_field skip_verify",
        "index",
        "url",
    ),
    "Elastic Creds": _type(
        "Access to Elastic.",
        "index type addresses username password cloud_id api_key pipeline root_ca action "
        "skip_verify",
        "addresses",
    ),
    "ADX Creds": _type(
        "Access to Azure Data Explorer.",
        "cluster_url database client_id client_secret tenant_id table",
        "client_id",
        "client_secret",
        "tenant_id",
    ),
    "SMTP Creds": _type(
        "Access to a mail server.",
        "server server_port auth_username auth_password skip_verify from root_ca",
        "server",
        "server_port",
    ),
    "Execve Secrets": _type(
        "A command line that is put before others.", "prefix_commandline env cwd",
        "prefix_commandline",
    ),
}  # fmt: skip
