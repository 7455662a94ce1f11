"""The provider's protocol: what the engine asks, answered by the kinds of resources."""

import json
import os
import re
import secrets
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import grpc
from botocore.exceptions import BotoCoreError, ClientError
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import (
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
    status_pb2,
)

from aws_double import sdk_types
from aws_double.account import VARIABLE, Account
from aws_double.kinds import KINDS, LOOKUPS
from aws_double.kinds.kind import Kind, RefusedError

_NO_CREDENTIALS = (
    "unable to validate AWS credentials. Details: No valid credential sources found. "
    "Make sure you have set your AWS region and credentials, e.g. AWS_REGION and AWS_PROFILE"
)


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """One process for an update; resources are made side by side."""

    def __init__(self) -> None:
        self._account: Account | None = None

    @property
    def account(self) -> Account:
        if self._account is None:
            self._account = Account.of_environment()
        return self._account

    def Handshake(self, request, context):
        return provider_pb2.ProviderHandshakeResponse()

    def GetPluginInfo(self, request, context):
        return plugin_pb2.PluginInfo(version=_sdk_version())

    def CheckConfig(self, request, context):
        failures = []
        if boto3.Session().get_credentials() is None:
            failures.append(provider_pb2.CheckFailure(property="", reason=_NO_CREDENTIALS))
        elif VARIABLE not in os.environ:
            reason = f"this is a double of the AWS provider, and {VARIABLE} names no cloud for it"
            failures.append(provider_pb2.CheckFailure(property="", reason=reason))
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    def DiffConfig(self, request, context):
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request, context):
        return provider_pb2.ConfigureResponse(acceptSecrets=False, supportsPreview=False)

    def Invoke(self, request, context):
        with _Words(context):
            given = _plain(request.args)
            refused = sdk_types.refuse_arguments(request.tok, given)
            if refused:
                raise RefusedError(f"{request.tok}: the SDK sends no {', '.join(refused)}")
            if request.tok not in LOOKUPS:
                raise RefusedError(f"the double does not know the function {request.tok}")
            return provider_pb2.InvokeResponse(
                **{"return": _struct(LOOKUPS[request.tok](self.account, given))}
            )

    def Check(self, request, context):
        with _Words(context):
            kind, given, before = _kind(request.urn), _plain(request.news), _plain(request.olds)
            refused = sdk_types.refuse_inputs(kind.token, given)
            failures = [
                provider_pb2.CheckFailure(property=name, reason=reason) for name, reason in refused
            ]
            if kind.named and not given.get(kind.named):
                end = secrets.token_hex(4)[:7]
                given[kind.named] = before.get(kind.named) or f"{_name(request.urn)}-{end}"
            return provider_pb2.CheckResponse(inputs=_struct(given), failures=failures)

    def Diff(self, request, context):
        with _Words(context):
            kind = _kind(request.urn)
            before, now = _plain(request.old_inputs), _plain(request.news)
            changed = sorted(
                key for key in {*before, *now} if _said(before.get(key)) != _said(now.get(key))
            )
            replaces = [key for key in changed if key in kind.makes_another]
            answer = provider_pb2.DiffResponse
            return answer(
                changes=answer.DIFF_SOME if changed else answer.DIFF_NONE,
                replaces=replaces,
                diffs=changed,
                deleteBeforeReplace=kind.deleted_first,
            )

    def Create(self, request, context):
        with _Words(context):
            kind, given = _kind(request.urn), _plain(request.properties)
            if request.preview:  # nothing is made; what the SDK misses, it takes for unknown
                return provider_pb2.CreateResponse(id="", properties=_struct(given))
            ident = kind.create(self.account, _name(request.urn), given)
            made = self._settled(kind, ident, given, context)
            return provider_pb2.CreateResponse(id=ident, properties=_struct(made))

    def Update(self, request, context):
        with _Words(context):
            kind, given = _kind(request.urn), _plain(request.news)
            if request.preview:
                known = {**_plain(request.olds), **given}
                return provider_pb2.UpdateResponse(properties=_struct(known))
            made = self._settled(kind, request.id, given, context)
            return provider_pb2.UpdateResponse(properties=_struct(made))

    def Read(self, request, context):
        with _Words(context):
            kind, given = _kind(request.urn), _plain(request.inputs)
            if not given:
                given = kind.adopt(self.account, request.id)
            found = kind.look(self.account, request.id, given)
            if found is None:
                return provider_pb2.ReadResponse(id="")
            made = _checked(kind, {**_plain(request.properties), **given, **found})
            return provider_pb2.ReadResponse(
                id=request.id, inputs=_struct(given), properties=_struct(made)
            )

    def Delete(self, request, context):
        with _Words(context):
            kind = _kind(request.urn)
            kind.delete(self.account, request.id, _plain(request.properties))
            return empty_pb2.Empty()

    def Cancel(self, request, context):
        return empty_pb2.Empty()

    def _settled(self, kind: Kind, ident: str, given: dict[str, Any], context: Any) -> Any:
        """What follows a resource's creation; a failure there leaves it made, to be gone on with.

        As the real provider: its state is kept, and the next update settles it.
        """
        try:
            kind.settle(self.account, ident, given)
            found = kind.look(self.account, ident, given)
        except (ClientError, BotoCoreError, RefusedError) as failed:
            detail = provider_pb2.ErrorResourceInitFailed(
                id=ident, properties=_struct(given), inputs=_struct(given), reasons=[str(failed)]
            )
            status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(failed))
            status.details.add().Pack(detail)
            context.set_trailing_metadata(
                (("grpc-status-details-bin", status.SerializeToString()),)
            )
            raise
        if found is None:
            raise RefusedError(f"{kind.token} {ident} is not there right after it was made")
        return _checked(kind, {**given, **found})


class _Words:
    """Errors of the cloud as the provider's: a status with the words, no traceback."""

    def __init__(self, context: Any) -> None:
        self._context = context

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        known = (ClientError, BotoCoreError, RefusedError, sdk_types.UnknownError)
        if error is not None and isinstance(error, known):
            self._context.abort(grpc.StatusCode.UNKNOWN, str(error))


def _checked(kind: Kind, made: dict[str, Any]) -> dict[str, Any]:
    if refused := sdk_types.refuse_outputs(kind.token, made):
        raise RefusedError(f"{kind.token}: the SDK reads no {', '.join(refused)}")
    return made


def _kind(urn: str) -> Kind:
    token = urn.split("::")[2].rsplit("$", maxsplit=1)[-1]
    sdk_types.described(token)
    if token not in KINDS:
        raise RefusedError(f"the double does not know {token}")
    return KINDS[token]


def _name(urn: str) -> str:
    return urn.split("::")[3]


def _plain(struct: Any) -> dict[str, Any]:
    """A struct as Python's values; the wire knows floats only."""
    return _whole(json_format.MessageToDict(struct))


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _whole(one) for key, one in value.items() if not key.startswith("__")}
    if isinstance(value, list):
        return [_whole(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _struct(values: dict[str, Any]) -> Any:
    made = struct_pb2.Struct()
    made.update(json.loads(json.dumps(values, default=str)))
    return made


def _said(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _sdk_version() -> str:
    from importlib.metadata import version

    return re.sub(r"[^0-9.].*$", "", version("pulumi-aws"))


def main() -> None:
    """Serves until the engine ends the process; the port is the first line of its output."""
    server = grpc.server(ThreadPoolExecutor(max_workers=16))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Provider(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    end = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: end.set())
    end.wait()
    server.stop(0)
