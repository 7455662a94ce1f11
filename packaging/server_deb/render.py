"""Templates to text: the unit, the maintainer scripts, and the papers Debian asks for."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from jinja2 import Environment, PackageLoader, StrictUndefined

from server_deb import layout
from server_deb.unit import UnitPlan

DOCUMENTS = f"/usr/share/doc/{layout.PACKAGE}"
OVERRIDES = f"/usr/share/lintian/overrides/{layout.PACKAGE}"
MAINTAINER = "Velociraptor Recovery <operators@velociraptor-recovery.invalid>"


@dataclass(frozen=True)
class Rendered:
    """All text of a package: maintainer scripts by name, files by (path, mode)."""

    scripts: dict[str, str]
    files: dict[tuple[str, int], bytes]


def render(unit: UnitPlan, *, fingerprint: str, version: str, epoch: int) -> Rendered:
    """Render everything; equal arguments give equal bytes.

    `fingerprint` is the config's SHA-256 in hex, `epoch` the time to put into the changelog, in
    seconds since 1970.
    """
    environment = Environment(
        loader=PackageLoader("server_deb"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  shell and unit files; what goes in was checked
    )
    names = {
        "unit": unit,
        "fingerprint": fingerprint,
        "version": version,
        "date": format_datetime(datetime.fromtimestamp(epoch, UTC)),
        "year": datetime.fromtimestamp(epoch, UTC).year,
        "maintainer": MAINTAINER,
        "package": layout.PACKAGE,
        "user": layout.USER,
        "group": layout.GROUP,
        "unit_name": layout.UNIT,
        "unit_file": layout.UNIT_FILE,
        "upstream_unit": layout.UPSTREAM_UNIT,
        "binary": layout.BINARY,
        "config": layout.CONFIG,
        "config_folder": layout.CONFIG_FOLDER,
        "fit_unit": layout.FIT_UNIT,
        "drop_in": layout.DROP_IN,
        "hold": layout.HOLD,
        "config_field": layout.CONFIG_FIELD,
        "deployment_field": layout.DEPLOYMENT_FIELD,
    }

    def text(template: str) -> str:
        return environment.get_template(f"{template}.j2").render(names)

    return Rendered(
        scripts={name: text(name) for name in ("preinst", "postinst", "prerm", "postrm")},
        files={
            (layout.UNIT_FILE, 0o644): text("velociraptor_server.service").encode(),
            (layout.FIT_UNIT, 0o755): text("fit-unit").encode(),
            (f"{DOCUMENTS}/copyright", 0o644): text("copyright").encode(),
            (f"{DOCUMENTS}/changelog.Debian.gz", 0o644): gzip.compress(
                text("changelog").encode(), compresslevel=9, mtime=0
            ),
            (OVERRIDES, 0o644): text("lintian-overrides").encode(),
        },
    )
