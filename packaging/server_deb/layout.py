"""Names and places that are Velociraptor's own, and must stay so (facts: "The server package")."""

from __future__ import annotations

PACKAGE = "velociraptor-server"
USER = "velociraptor"
GROUP = "velociraptor"
UNIT = "velociraptor_server.service"
BINARY = "/usr/local/bin/velociraptor"
CONFIG_FOLDER = "/etc/velociraptor"
CONFIG = f"{CONFIG_FOLDER}/server.config.yaml"
# Velociraptor's package puts its unit here. Such a file outranks a mask in /run and is lost to
# edits at each upgrade; ours lies where units of packages belong, and dpkg removes the old one.
UPSTREAM_UNIT = f"/etc/systemd/system/{UNIT}"
UNIT_FILE = f"/usr/lib/systemd/system/{UNIT}"
FIT_UNIT = f"/usr/libexec/{PACKAGE}/fit-unit"
DROP_IN = f"/etc/systemd/system/{UNIT}.d/50-edited-config.conf"
HOLD = "/run/velociraptor-recovery/hold"
CONFIG_FIELD = "X-Config-Fingerprint"
DEPLOYMENT_FIELD = "X-Deployment-Fingerprint"
