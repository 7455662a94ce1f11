"""A trial on the spare: one script in a unit of its own, beside the syncs and below them in rank.

Its unit's name is its lock: a second trial is refused by systemd, a promotion ends it by that
name, and what it leaves behind is taken away however it ends. Only the client lists are copied
under the lock of the syncs: a list and its index are two files. All else may be as old or as new
as it happens to be, as it is in a copy of a server that goes on working.
"""

from recovery.standby.places import LOCK, ROOM
from recovery.velociraptor.config import OWNER
from recovery.velociraptor.paths import BINARY_PATH

TRIAL = f"{ROOM}/trial"
UNIT = "velociraptor-recovery-trial"
RUN = f"{UNIT}-run"
BUSY, NO_ROOM = 75, 11
COPY_SECONDS = 7200
START_SECONDS = 300
"""A large datastore takes its time at a start; a server that ended is noticed at once."""
_RANK = "-p Nice=19 -p IOSchedulingClass=idle -p CPUWeight=10 -p IOWeight=10"
_VQL = "SELECT 1 AS Answers FROM scope() SELECT count() AS Clients FROM clients() GROUP BY 1"
_BEGIN = f"""systemctl is-active --quiet "$1.service" &&
  {{ echo "another trial of this copy is at work" >&2; exit {BUSY}; }}
unit=$1 end=$2 seconds=$3; shift 3
exec systemd-run --quiet --collect --wait --pipe --unit="$unit" {_RANK} \\
  -p RuntimeMaxSec="$seconds" -p TimeoutStopSec=1h -p ExecStopPost="$end" "$@"
"""
_END = f'-/bin/sh -c "systemctl stop {UNIT}.service {UNIT}-ask.service 2>/dev/null; rm -rf {TRIAL}"'
# Uploads, exports and backups are as large as they are, and nobody reads them at a start. Files
# come, go and are replaced meanwhile (tar says 1 then); those that rsync is writing are no records.
_COPY = r"""set -u
umask 077
trial=$1 ds=$2 owner=$3 lock=$4
rm -rf "$trial"
install -d -m 711 "${trial%/*/*}" "${trial%/*}"
install -d -o "$owner" -g "$owner" -m 700 "$trial" "$trial/ds"
cat > "$trial/server.config.yaml"
big="--exclude=uploads --exclude=downloads --exclude=backups"
need=$(du -DsxB1 $big "$ds" 2>/dev/null | cut -f1)
free=$(df --output=avail -B1 "$trial" | tail -n 1)
[ "$free" -gt $((need + 104857600)) ] ||
  { echo "a trial needs $need bytes under $trial, $free are free" >&2; exit 11; }
cd "$ds" || exit 1
(
  flock -w 600 9 || { echo "a sync has held its lock for ten minutes" >&2; exit 1; }
  shopt -s nullglob
  lists=(client_info/snapshot.json* orgs/*/client_info/snapshot.json*)
  [ "${#lists[@]}" = 0 ] || tar -c "${lists[@]}" 9>&- | tar -x -C "$trial/ds" 9>&-
) 9>"$lock" || exit 1
tar -c --exclude='./clients/*/collections/*/uploads' \
  --exclude='./orgs/*/clients/*/collections/*/uploads' --exclude=./downloads \
  --exclude='./orgs/*/downloads' --exclude=./backups --exclude='./orgs/*/backups' \
  --exclude='./client_info/snapshot.json*' --exclude='./orgs/*/client_info/snapshot.json*' \
  --exclude='.*.??????' --exclude=.rsync-partial --exclude='*.recovery' \
  --warning=no-file-changed --warning=no-file-removed . | tar -x -C "$trial/ds"
ended=("${PIPESTATUS[@]}")
[ "${ended[0]}" -le 1 ] && [ "${ended[1]}" = 0 ] || exit 1
chown -R "$owner:$owner" "$trial" || exit 1
echo copied
"""
_START = rf"""
unit=$5 binary=$6 vql=$7 seconds=$8 private=yes empty=0
systemctl reset-failed "$unit.service" "$unit-ask.service" 2>/dev/null
# A machine may have no right to bring up the loopback of a namespace of its own.
systemd-run --quiet --wait --pipe -p PrivateNetwork=yes \
  bash -c 'exec 3<>/dev/udp/127.0.0.1/9' 2>/dev/null </dev/null || private=no
echo "private $private"
# Before the start: a running server doesn't see a user that was added beside it.
runuser -u "$owner" -- "$binary" --config "$trial/server.config.yaml" config api_client \
  --name trial --role administrator "$trial/api.yaml" >/dev/null 2>"$trial/err" ||
  {{ tail -n 3 "$trial/err" >&2; exit 1; }}
systemd-run --quiet --unit="$unit" {_RANK} -p User="$owner" -p PrivateNetwork="$private" \
  -p PrivateTmp=yes -p ProtectSystem=strict -p ReadWritePaths="$trial" -p NoNewPrivileges=yes \
  "$binary" --config "$trial/server.config.yaml" frontend || exit 1
ends=$(($(date +%s) + seconds))
while [ "$(date +%s)" -lt "$ends" ]; do
  systemctl is-active --quiet "$unit.service" ||
    {{ journalctl -u "$unit" -n 5 --no-pager -o cat >&2; exit 1; }}
  out=$(systemd-run --quiet --collect --wait --pipe --unit="$unit-ask" \
    -p JoinsNamespaceOf="$unit.service" -p PrivateNetwork="$private" -p User="$owner" \
    "$binary" --api_config "$trial/api.yaml" query --format jsonl "$vql" \
    2>"$trial/err" </dev/null) || :
  case "$out" in
    *Clients*) printf '%s\n' "$out"; exit 0;;
    # It may answer before it has read its list.
    *Answers*) empty=$((empty + 1)); [ "$empty" -lt 10 ] || {{ printf '%s\n' "$out"; exit 0; }};;
  esac
  sleep 0.5
done
echo "it does not answer: $(tail -n 3 "$trial/err")" >&2
exit 1
"""


END_ARGV = ("systemctl", "stop", "--no-block", f"{RUN}.service", f"{UNIT}.service")
"""Ends a trial that is under way, without waiting until its files are gone."""


def trial_argv(datastore: str) -> list[str]:
    """The whole trial; standard input is the trial's configuration.

    It prints ``copied``, then ``private yes`` or ``no``, then rows of JSON. Pure.
    """
    args = [TRIAL, datastore, OWNER, LOCK, UNIT, BINARY_PATH, _VQL, str(START_SECONDS)]
    unit = [RUN, _END, str(COPY_SECONDS + START_SECONDS)]
    script = (_COPY + _START).replace("$", "$$")  # systemd reads a single one as its own
    return ["bash", "-c", _BEGIN, "begin", *unit, "bash", "-c", script, "trial", *args]
