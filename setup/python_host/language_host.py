"""Serves the program in this folder to a Pulumi engine that has no Python language host.

The CLI that the Go module proxy gives has none; the SDK serves inline programs, and this serves
`__main__.py` the same way. Started by the engine, which reads the port from the first line.
"""

import os
import queue
import runpy
import signal
import sys
from concurrent import futures
from importlib.metadata import version
from pathlib import Path
from typing import Any

import grpc
import pulumi
from pulumi.automation._server import LanguageServer
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

MEGABYTES_400 = 400 * 1024 * 1024  # the limit of Pulumi's own hosts; states can be large


class ProgramHost(LanguageServer):
    """The SDK's server of inline programs, over a program in a folder."""

    def __init__(self, engine: str) -> None:
        super().__init__(run_program)
        self.engine = engine

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """Answer the engine's greeting; it may be its first word about where it listens."""
        self.engine = request.engine_address or self.engine
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """Answer with the version of the SDK, which is this host's version too."""
        return plugin_pb2.PluginInfo(version=version(pulumi.__name__))

    def Run(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Run the program; the SDK's server takes the engine's address from the first argument."""
        os.chdir(request.pwd or ".")
        arguments = list(request.args)
        del request.args[:]
        request.args.extend([self.engine, *arguments])
        sys.argv = [str(program(request)), *arguments]
        answer = super().Run(request, context)  # type: ignore[no-untyped-call]
        if answer.error:
            # The SDK's server has logged it already; told again, the engine calls it unhandled.
            answer.error, answer.bail = "", True
        return answer


def program(request: Any) -> Path:
    """Path of the program's entry: `main` of Pulumi.yaml, else `__main__.py`."""
    folder = Path(request.info.program_directory or request.pwd or ".")
    entry = folder / (request.info.entry_point or request.program or ".")
    return entry / "__main__.py" if entry.is_dir() else entry


def run_program() -> None:
    """Run the entry as `__main__`, with its folder first on the path, as `python __main__.py`."""
    entry = Path(sys.argv[0])
    sys.path.insert(0, str(entry.parent))
    runpy.run_path(str(entry), run_name="__main__")


def main() -> None:
    """Serve on a free port of the loopback until the engine ends this process."""
    size = [
        ("grpc.max_receive_message_length", MEGABYTES_400),
        ("grpc.max_send_message_length", MEGABYTES_400),
    ]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4), options=size)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(ProgramHost(sys.argv[-1]), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    # Not an event: a signal that comes while its lock is held would wait for ever.
    ended: queue.SimpleQueue[None] = queue.SimpleQueue()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.put(None))
    ended.get()
    server.stop(grace=1)


if __name__ == "__main__":
    main()
