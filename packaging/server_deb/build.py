"""Binary and config in, package out: checked first, built aside, put in place at once."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from server_deb.accepts import refuse_unknown_settings
from server_deb.binary import ask_version, read_binary
from server_deb.check import check_config, utc_now
from server_deb.config import ServerConfig, read_config
from server_deb.errors import FAILED, PackageError
from server_deb.pack import Order, pack
from server_deb.render import render
from server_deb.request import BuildRequest, BuiltPackage
from server_deb.unit import plan_unit
from server_deb.version import debian_version

COMPRESSIONS = ("zstd", "xz", "gzip")
SPARE = 64 * 1024 * 1024


def build_package(request: BuildRequest) -> BuiltPackage:
    """Build `velociraptor-server_VERSION_ARCH.deb` in `request.output`.

    Everything is checked before anything is written; a package of the same name is replaced only
    by a whole one. The file has mode 0600, as has everything on the way. Equal requests give
    equal bytes. Raises PackageError: exit code 64 for input that can't be used, 2 if building
    failed.
    """
    order, warnings = decide(request)
    path = request.output / order.file_name
    try:
        request.output.mkdir(parents=True, exist_ok=True)
        # Absolute, as nfpm is run inside of it, and without "..", which nfpm refuses.
        aside = request.output.resolve()
        with tempfile.TemporaryDirectory(prefix=".building-", dir=aside) as folder:
            packed = pack(order, Path(folder))
            with packed.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
                os.fsync(stream.fileno())
            size = packed.stat().st_size
            packed.replace(path)
    except OSError as failed:
        raise PackageError(
            f"the package could not be written: {failed.strerror}",
            where=str(request.output),
            hint="see to free space and permissions there, then build again; nothing was changed",
            exit_code=FAILED,
        ) from failed
    return BuiltPackage(
        path=path,
        sha256=digest,
        size=size,
        version=order.version,
        architecture=order.binary.architecture,
        config_fingerprint=order.config.fingerprint,
        deployment_fingerprint=order.deployment,
        warnings=warnings,
    )


def decide(request: BuildRequest) -> tuple[Order, tuple[str, ...]]:
    """Check a request; give the package as it is to be packed, and warnings. Writes nothing."""
    if request.compression not in COMPRESSIONS:
        raise PackageError(
            f"unknown compression: {request.compression!r}",
            where="--compression",
            hint=f"choose one of {', '.join(COMPRESSIONS)}",
        )
    config = read_config(request.config, request.config_name)
    warnings = check_config(
        config, now=request.now or utc_now(), allow_expired=request.allow_expired
    )
    binary = read_binary(request.binary, request.architecture)
    if binary.unknown_libraries:
        libraries = ", ".join(binary.unknown_libraries)
        warnings += (f"the binary needs {libraries}: no dependency is declared for that",)
    # Both ask the binary, whose start is most of it: side by side.
    with ThreadPoolExecutor(1) as beside:
        accepted = beside.submit(refuse_unknown_settings, binary, config)
        version = debian_version(request.version or ask_version(binary), request.release)
        accepted.result()
    _refuse_output(request.output, binary.size)
    epoch = _epoch(request.source_date_epoch, config)
    rendered = render(
        plan_unit(config), fingerprint=config.fingerprint, version=version, epoch=epoch
    )
    order = Order(
        binary=binary,
        config=config,
        rendered=rendered,
        version=version,
        epoch=epoch,
        compression=request.compression,
    )
    return order, warnings


def _epoch(given: int | None, config: ServerConfig) -> int:
    if given is not None:
        return given
    begins = [certificate.not_before.timestamp() for certificate in config.certificates.values()]
    return int(max(begins))


def _refuse_output(output: Path, size: int) -> None:
    """The folder must be one that can be written, with room for a bare package and a packed one."""
    place = output
    while not place.exists() and place != place.parent:
        place = place.parent
    hint = "give a folder that you may write to by --output; it is made if it does not exist"
    if not place.is_dir():
        raise PackageError("the output is not a folder", where=str(place), hint=hint)
    if not os.access(place, os.W_OK | os.X_OK):
        raise PackageError("the output folder can't be written to", where=str(place), hint=hint)
    free = shutil.disk_usage(place).free
    if free < 2 * size + SPARE:
        raise PackageError(
            f"too little free space: {free >> 20} MiB, {(2 * size + SPARE) >> 20} MiB are needed",
            where=str(place),
            hint="free some, or give another folder by --output; nothing was written",
            exit_code=FAILED,
        )
