"""Is the spare's copy usable? A copy of it is really started, where nobody can reach it.

A second copy of the datastore (hard disks are cheap, a spare that doesn't start is not) under
another folder and other ports, in a network namespace of its own where the machine allows one, is
asked for its clients, orgs and flows, and removed again. What it says is kept on the spare and
told by every status.
"""

import json
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import yaml

from recovery.errors import RecoveryError, TargetError
from recovery.standby.pair import Pair, who_serves
from recovery.standby.places import CHECKED, LAST_SYNC, LOCK, ROOM
from recovery.standby.reach import opened
from recovery.standby.status import last_sync
from recovery.target import Target
from recovery.vault.shelf_vault import ShelfVault
from recovery.velociraptor.config import BINARY_PATH, CONFIG_PATH, OWNER, ServerConfig

Say = Callable[[str], None]
TRIAL = f"{ROOM}/trial"
UNIT = "velociraptor-recovery-trial"
_PORTS = {"Frontend": 18000, "API": 18001, "GUI": 18889, "Monitoring": 18003}
# Uploads, exports and backups are as large as they are, and nobody reads them at a start.
_COPY = r"""set -eu
trial=$1 ds=$2 owner=$3
exec 9>"$4"; flock -w 600 9
rm -rf "$trial"
install -d -m 711 "${trial%/*/*}" "${trial%/*}"
install -d -o "$owner" -g "$owner" -m 700 "$trial" "$trial/ds"
need=$(du -sxB1 --exclude=uploads --exclude=downloads --exclude=backups "$ds" | cut -f1)
free=$(df --output=avail -B1 "$trial" | tail -n 1)
[ "$free" -gt $((need + 104857600)) ] ||
  { echo "a trial needs $need bytes, $free are free" >&2; exit 11; }
cd "$ds"
tar -c --exclude='./clients/*/collections/*/uploads' \
  --exclude='./orgs/*/clients/*/collections/*/uploads' --exclude=./downloads \
  --exclude='./orgs/*/downloads' --exclude=./backups --exclude='./orgs/*/backups' . |
  tar -x -C "$trial/ds"
chown -R "$owner:$owner" "$trial"
"""
_START = r"""set -eu
unit=$1 trial=$2 owner=$3 binary=$4 private=yes
systemctl reset-failed "$unit.service" "$unit-ask.service" 2>/dev/null || :
# A machine may have no right to bring up the loopback of a namespace of its own.
systemd-run --quiet --wait --pipe -p PrivateNetwork=yes \
  bash -c 'exec 3<>/dev/udp/127.0.0.1/9' 2>/dev/null || private=no
echo "$private" > "$trial/private"
# Before the start: a running server doesn't see a user that was added beside it.
runuser -u "$owner" -- "$binary" --config "$trial/server.config.yaml" config api_client \
  --name trial --role administrator "$trial/api.yaml" >/dev/null 2>&1
systemd-run --quiet --unit="$unit" -p User="$owner" -p PrivateNetwork="$private" \
  -p PrivateTmp=yes -p ProtectSystem=strict -p ReadWritePaths="$trial" -p NoNewPrivileges=yes \
  "$binary" --config "$trial/server.config.yaml" frontend
"""
_ASK = r"""set -u
unit=$1 trial=$2 owner=$3 binary=$4 vql=$5 seconds=$6 empty=0
private=$(cat "$trial/private")
ends=$(($(date +%s) + seconds))
while [ "$(date +%s)" -lt "$ends" ]; do
  systemctl is-active --quiet "$unit.service" ||
    { journalctl -u "$unit" -n 5 --no-pager -o cat >&2; exit 1; }
  out=$(systemd-run --quiet --collect --wait --pipe --unit="$unit-ask" \
    -p JoinsNamespaceOf="$unit.service" -p PrivateNetwork="$private" -p User="$owner" \
    "$binary" --api_config "$trial/api.yaml" query --format jsonl "$vql" 2>"$trial/err") || :
  case "$out" in
    *Clients*) printf '%s\n' "$out"; exit 0;;
    # It may answer before it has read its list.
    *Answers*) empty=$((empty + 1)); [ "$empty" -lt 10 ] || { printf '%s\n' "$out"; exit 0; };;
  esac
  sleep 0.5
done
echo "it does not answer: $(tail -n 3 "$trial/err")" >&2
exit 1
"""
_END = 'systemctl stop "$1.service" "$1-ask.service" 2>/dev/null; rm -rf -- "$2"'
_VQL = "SELECT 1 AS Answers FROM scope() SELECT count() AS Clients FROM clients() GROUP BY 1"
_SECONDS = 300
"""A large datastore takes its time at a start; a server that ended is noticed at once."""


def trial_config(config: ServerConfig) -> bytes:
    """A trial's configuration: loopback and other ports only, its own folder, no backups. Pure."""
    values: dict[str, Any] = json.loads(json.dumps(config.values, default=str))
    for section, port in _PORTS.items():
        part = values.setdefault(section, {})
        part |= {"bind_address": "127.0.0.1", "bind_port": port}
    values["Frontend"].pop("run_as_user", None)
    values["Datastore"] |= {"location": f"{TRIAL}/ds", "filestore_directory": f"{TRIAL}/ds"}
    values["Logging"] = {"output_directory": f"{TRIAL}/logs"}
    values.setdefault("defaults", {})["backup_period_seconds"] = -1
    values["Client"]["server_urls"] = [f"https://127.0.0.1:{_PORTS['Frontend']}/"]
    values["API"]["hostname"] = "127.0.0.1"
    return yaml.safe_dump(values).encode()


def try_copy(vault: ShelfVault, pair: Pair, say: Say) -> dict[str, Any]:
    """Starts a copy of the spare's copy and asks it; what came of it, as it was noted there.

    ``usable`` False is a result, not an error. Raises :class:`RecoveryError` when the trial
    itself could not be made (no room, no spare).
    """
    _, active = who_serves(vault, pair)
    with ExitStack() as stack:
        spare = opened(stack, pair.other(active))
        last = last_sync(spare)
        if last is None:
            raise TargetError(
                "the spare has no copy yet", target=spare.uri, hint="`recovery standby sync`"
            )
        config = ServerConfig.parse(spare.get(CONFIG_PATH), source=CONFIG_PATH)
        args = [TRIAL, pair.datastore, OWNER, LOCK]
        try:
            say("check: copying the copy …")
            spare.run(["sh", "-c", _COPY, "copy", *args], timeout=3600)
            spare.put(
                trial_config(config),
                f"{TRIAL}/server.config.yaml",
                mode=0o600,
                owner=f"{OWNER}:{OWNER}",
            )
            told = _trial(spare, last.clients)
        finally:
            spare.run(["sh", "-c", _END, "end", UNIT, TRIAL], check=False, timeout=120)
        return _note(spare, told)


def _trial(spare: Target, wanted: int) -> dict[str, Any]:
    try:
        spare.run(["bash", "-c", _START, "start", UNIT, TRIAL, OWNER, BINARY_PATH], timeout=60)
        isolated = spare.run(["cat", f"{TRIAL}/private"]).text == "yes"
        ask = [UNIT, TRIAL, OWNER, BINARY_PATH, _VQL, str(_SECONDS)]
        asked = spare.run(["bash", "-c", _ASK, "ask", *ask], timeout=_SECONDS + 60)
        rows = [json.loads(line) for line in asked.text.splitlines() if line.startswith("{")]
        clients = sum(int(row.get("Clients", 0)) for row in rows)
    except (RecoveryError, ValueError, KeyError) as failed:
        words = failed.message if isinstance(failed, RecoveryError) else str(failed)
        return {"usable": False, "says": words, "clients": 0}
    usable = clients > 0 or wanted == 0
    says = f"a copy of it starts and answers: {clients} clients of the root org"
    return {
        "usable": usable,
        "says": says if usable else "it starts, and has no clients",
        "clients": clients,
        "isolated": isolated,
    }


def _note(spare: Target, told: dict[str, Any]) -> dict[str, Any]:
    now = float(spare.run(["date", "+%s.%N"]).text)
    noted = {"at": now, "synced": LAST_SYNC, **told}
    noted.pop("synced")
    spare.put(json.dumps(noted).encode(), CHECKED, mode=0o600)
    return noted
