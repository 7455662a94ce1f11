"""Complete copies and syncs beside bare restic and rsync: 100,000 files, 2 GB, then 1 % changed.

Two machines, a running server on the first. Both ways copy the same datastore, in turn, each into
a repository or folder of its own. The toolkit's way includes what it is for: the client list from
memory, the tie to the recovery point, the lock, the look for half-written records.
"""

import json
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from recovery import commands
from recovery.capture.memory_lists import memory_lists
from recovery.datastore.copy import copy_datastore
from recovery.datastore.repository import parse_repository
from recovery.datastore.restic import Restic, open_restic
from recovery.datastore.snapshots import whole_ident
from recovery.drill.production import server_binary
from recovery.infra.docker_engine import Wanted, create, expect, remove
from recovery.settings import base_image
from recovery.standby.init_pair import init_pair
from recovery.standby.link import ssh_words
from recovery.standby.pair import Machine, Pair
from recovery.standby.sync import sync
from recovery.target import open_target
from recovery.vault.open import open_vault
from recovery.vault.shelf_vault import ShelfVault
from recovery.velociraptor.api import open_api
from recovery.velociraptor.config import ServerConfig
from server_deb.build import BuildRequest, build_package

FILES, BYTES = 100_000, 2_000_000_000
LIMIT = 1.1
DATASTORE = "/var/lib/velociraptor"
_ENVIRONMENT = {"RESTIC_PASSWORD": "of a benchmark"}
_HOUR = 3600.0
# A fifth in many small records, the rest in 200 large results, as a datastore has them.
_FILL = r"""
my ($folder, $files, $bytes) = @ARGV; chdir $folder or die; umask 077;
my $large = 200; my $each = int($bytes * 0.8 / $large);
my $little = int($bytes * 0.2 / ($files - $large));
open(my $random, "<", "/dev/urandom") or die; my $buffer; my $made = "";
for my $i (0 .. $files - 1) {
  my $d = sprintf("clients/C.%04d/collections/F.%d", $i / 500, $i / 50 % 10);
  if ($d ne $made) { my $p = ""; for (split "/", $d) { $p .= "$_/"; mkdir $p; } $made = $d; }
  open(my $f, ">", sprintf("%s/%06d.%s", $d, $i, $i % 500 ? "json.db" : "chunk")) or die;
  my $left = $i % 500 ? $little : $each;
  while ($left > 0) {
    my $n = read($random, $buffer, $left < 1048576 ? $left : 1048576);
    if ($i % 500) { $buffer = "{" . unpack("H*", substr($buffer, 0, $n / 2 - 1)) . "}"; }
    print $f $buffer; $left -= $n;
  }
  close($f);
}
"""
_CHANGE = r"""
my ($folder, $turn) = @ARGV; chdir $folder or die; my $i = 0;
for my $path (sort glob("clients/*/collections/*/*")) {
  next if $i++ % 100 != $turn;
  open(my $f, ">>", $path) or die; print $f "{\"turn\":$turn}\n"; close($f);
}
"""
_OWN = ["chown", "-R", "velociraptor:velociraptor", f"{DATASTORE}/clients"]


def run(rounds: int, binary: Path | None) -> list[str]:
    """The lines of the result; ``rounds`` of 1 % follow the first, whole copy."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="recovery-bench-")))
        bench = _Bench(stack, folder, server_binary(binary))
        times: dict[str, list[tuple[float, float]]] = {}
        for turn in range(rounds + 1):
            what = "first" if turn == 0 else "1 % changed"
            if turn:
                bench.change(turn)
            for name, bare, ours in (
                ("backup", bench.bare_restic, bench.backup),
                ("sync", bench.bare_rsync, bench.sync),
            ):
                # In turn first and second: the page cache favours whoever comes later.
                order = (bare, ours) if turn % 2 else (ours, bare)
                took = {way: _seconds(way) for way in order}
                times.setdefault(f"{name}, {what}", []).append((took[bare], took[ours]))
                print(f"  {name} {what}: {took[bare]:.1f} s, {took[ours]:.1f} s", file=sys.stderr)
    return [f"{FILES} files, {BYTES / 1e9:.0f} GB", *(_line(name, t) for name, t in times.items())]


def _line(name: str, times: list[tuple[float, float]]) -> str:
    bare, ours = (sum(column) for column in zip(*times, strict=True))
    return f"{name}: bare {bare:.1f} s, {ours:.1f} s, ratio {ours / bare:.2f} (at most {LIMIT})"


def _seconds(act: object) -> float:
    began = time.monotonic()
    act()  # type: ignore[operator]
    return time.monotonic() - began


class _Bench:
    """Two machines, their pair, and two repositories on the first."""

    def __init__(self, stack: ExitStack, folder: Path, binary: Path) -> None:
        image = base_image("")
        names = []
        for role in ("one", "two"):
            name = create(Wanted(image=image, prefix=f"bench-{role}", volume=DATASTORE)).name
            stack.callback(remove, name)
            names.append(name)
        self.one, self.two = (open_target(f"docker://{name}") for name in names)
        for target in (self.one, self.two):
            stack.callback(target.close)
        self.vault: ShelfVault = open_vault(str(folder / "vault"), {})
        self.config = self._serve(folder, binary)
        self._say("filling the datastore …")
        self.one.run(["perl", "-e", _FILL, DATASTORE, str(FILES), str(BYTES)], timeout=_HOUR)
        self.one.run(_OWN, timeout=_HOUR)
        self.pair: Pair = init_pair(self.vault, self.one.uri, self.two.uri, self._say)
        self.address = Machine(uri=self.one.uri, address=expect(names[0]).address)
        self.repositories: dict[str, Restic] = {}
        for name in ("bare", "ours"):
            repository = parse_repository(f"{DATASTORE}-{name}")
            opened = open_restic(self.one, repository, _ENVIRONMENT)
            self.repositories[name] = stack.enter_context(opened)
            self.repositories[name].make_if_absent()

    def _serve(self, folder: Path, binary: Path) -> ServerConfig:
        merge = {
            "Frontend": {"bind_address": "127.0.0.1"},
            "Datastore": {"location": DATASTORE, "filestore_directory": DATASTORE},
            "defaults": {"backup_period_seconds": -1},
        }
        argv = [str(binary), "config", "generate", "--merge", json.dumps(merge)]
        config = ServerConfig.parse(commands.run(argv, timeout=60).stdout)
        package = build_package(BuildRequest(binary=binary, config=config.raw, output=folder))
        for target in (self.one, self.two):
            target.put(package.path, "/root/server.deb", mode=0o600)
            target.run(["dpkg", "-i", "/root/server.deb"], timeout=120)
        with open_api(self.one, config) as api:
            api.wait_ready(60)
        return config

    def change(self, turn: int) -> None:
        self.one.run(["perl", "-e", _CHANGE, DATASTORE, str(turn)], timeout=_HOUR)

    def bare_restic(self) -> None:
        self.repositories["bare"].run(["backup", "."], folder=DATASTORE)

    def backup(self) -> None:
        restic = self.repositories["ours"]

        def lists() -> dict[str, bytes]:
            with open_api(self.one, self.config) as api:
                return memory_lists(self.one, api, self.config, self.vault, [])

        copied = copy_datastore(restic, DATASTORE, self.config.deployment, "bench", lists)
        whole_ident(restic, copied.snapshot)

    def bare_rsync(self) -> None:
        ssh = " ".join(ssh_words(self.address))
        source = f"root@{self.address.address}:{DATASTORE}/"
        argv = ["rsync", "-a", "--delete", "-e", ssh, source, "/srv/bare/"]
        self.two.run(argv, timeout=_HOUR)

    def sync(self) -> None:
        sync(self.vault, self.pair, _quiet)

    def _say(self, line: str) -> None:
        print(f"  {line}", file=sys.stderr)


def _quiet(_line: str) -> None:
    """Progress would disturb the comparison."""
