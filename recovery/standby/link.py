"""The way by which one machine reads the other's datastore: SSH, one key, one command.

The key is made on the machine that reads, and never leaves it. On the other one it may run
one thing: ``rsync`` as sender of the datastore. The host key is taken over the operator's own,
known connection to that machine: none is learned from the network.
"""

from recovery.errors import CommandError, TargetError
from recovery.standby.pair import Machine
from recovery.standby.places import KEY, KNOWN_HOSTS, ROOM, SERVE
from recovery.target import Target

MARK = "velociraptor-recovery-standby"
_MAKE_KEY = """set -e
umask 077
mkdir -p "$1"
[ -s "$2" ] || ssh-keygen -q -t ed25519 -N '' -C "$3" -f "$2"
cat "$2.pub"
"""
# One line a reader: the earlier one of the same mark goes, every other line stays as it is.
_AUTHORIZE = """set -e
umask 077
mkdir -p /root/.ssh
f=/root/.ssh/authorized_keys
touch "$f"
{ grep -v " $1\\$" "$f" || :; printf '%s\\n' "$2"; } > "$f.new"
chmod 600 "$f.new"
mv -f "$f.new" "$f"
"""
_HOST_KEYS = "cat /etc/ssh/ssh_host_*_key.pub"
_NEEDED = 'for p in rsync ssh-keygen flock; do command -v "$p" >/dev/null || echo "$p"; done'
_SSHD = "systemctl is-active --quiet ssh.service sshd.service || systemctl enable --now ssh.service"


def serve_script(datastore: str) -> str:
    """The forced command: exactly an rsync sender of ``datastore``, without any long option that
    could write, run or read elsewhere.
    """
    allowed = rf"^rsync --server --sender -[A-Za-z.]+( --timeout=[0-9]+)? \. {_plain(datastore)}/$"
    return f"""#!/bin/sh
# The standby reads the datastore, and can do nothing else here.
set -f
case "$SSH_ORIGINAL_COMMAND" in *[!A-Za-z0-9\\ ./_=-]*) echo refused >&2; exit 126;; esac
printf '%s\\n' "$SSH_ORIGINAL_COMMAND" | grep -Eqx -e '{allowed}' || {{
  echo refused >&2
  exit 126
}}
exec $SSH_ORIGINAL_COMMAND
"""


def authorized_line(public: str) -> str:
    """The line for ``authorized_keys``: no terminal, no forwarding, one command."""
    kind, key = public.split()[:2]
    return f'restrict,command="{SERVE}" {kind} {key} {MARK}'


def known_hosts(machine: Machine, keys: str) -> str:
    """The file's content for a machine whose public host keys are ``keys``."""
    host = machine.address if machine.port == 22 else f"[{machine.address}]:{machine.port}"  # noqa: PLR2004
    lines = [line.split()[:2] for line in keys.splitlines() if len(line.split()) > 1]
    return "".join(f"{host} {kind} {key}\n" for kind, key in lines)


def ssh_words(machine: Machine) -> list[str]:
    """The ``ssh`` that rsync uses to reach ``machine``."""
    options = {
        "BatchMode": "yes",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": KNOWN_HOSTS,
        "GlobalKnownHostsFile": "/dev/null",
        "IdentityFile": KEY,
        "IdentitiesOnly": "yes",
        "ConnectTimeout": "10",
        "ServerAliveInterval": "5",
        "ServerAliveCountMax": "3",
    }
    words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    return ["ssh", "-F", "none", "-p", str(machine.port), *words]


def lay_link(reader: Target, source: Target, source_machine: Machine, datastore: str) -> None:
    """Lets ``reader`` read the datastore on ``source``. Safe to repeat.

    Raises :class:`TargetError` when a machine lacks what it needs, or they can't reach each other.
    """
    for target in (reader, source):
        missing = target.run(["sh", "-c", _NEEDED]).text.split()
        if missing:
            raise TargetError(
                f"there is no {', '.join(missing)}",
                target=target.uri,
                hint="`apt-get install rsync openssh-server util-linux` there",
            )
    make = ["sh", "-c", _MAKE_KEY, "key", ROOM, KEY, MARK]
    public = reader.run(make).text
    source.run(["install", "-d", "-m", "700", ROOM])
    source.put(serve_script(datastore).encode(), SERVE, mode=0o700)
    source.run(["sh", "-c", _AUTHORIZE, "authorize", MARK, authorized_line(public)])
    source.run(["sh", "-c", _SSHD], timeout=60)
    keys = source.run(["sh", "-c", _HOST_KEYS]).text
    reader.put(known_hosts(source_machine, keys).encode(), KNOWN_HOSTS, mode=0o600)


def try_link(reader: Target, source_machine: Machine) -> None:
    """That it is reachable, and that the key runs nothing but its one command.

    Raises :class:`TargetError`.
    """
    words = [*ssh_words(source_machine), f"root@{source_machine.address}", "id"]
    try:
        tried = reader.run(words, check=False, timeout=30)
    except CommandError as late:
        raise _unreachable(reader, source_machine, late.message) from late
    if tried.returncode == 0:
        raise TargetError(
            "the standby's key may run any command there, not the datastore's rsync alone",
            target=source_machine.uri,
            hint="the same key is in authorized_keys a second time: remove that line",
        )
    if "refused" not in tried.error_text or "onnection refused" in tried.error_text:
        raise _unreachable(reader, source_machine, tried.error_text)


def _unreachable(reader: Target, machine: Machine, words: str) -> TargetError:
    return TargetError(
        f"it can't read from {machine.address}, port {machine.port}: {words}",
        step="lay the link",
        target=reader.uri,
        hint="is TCP open between the two machines, and may root log in by key there "
        "(PermitRootLogin prohibit-password)? --active-address and --spare-address name "
        "other addresses",
    )


def _plain(path: str) -> str:
    """A path as a regular expression; what would need quoting in the script is refused."""
    if not all(char.isalnum() or char in "/._-" for char in path) or not path.startswith("/"):
        raise TargetError(f"the datastore's path can't be used for a standby: {path!r}")
    return path.replace(".", r"\.")
