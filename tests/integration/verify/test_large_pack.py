"""More artifacts in a backup than one message to a server may hold (4 MiB)."""

import io
import json
import zipfile

import pytest

from recovery.errors import ServerError
from recovery.restore.zip_artifacts import set_artifacts
from recovery.velociraptor.api import open_api

pytestmark = [pytest.mark.docker, pytest.mark.velociraptor, pytest.mark.slow]
HELD = "SELECT name, len(list=raw) AS Size, metadata.tags AS Tags FROM artifact_definitions()"
LARGE = (60, 100_000)
HUGE = (1, 4_300_000)


def yaml_of(name, size):
    return f"name: {name}\ndescription: {'x' * size}\nsources:\n- query: SELECT 1 FROM scope()\n"


@pytest.fixture(scope="module")
def backup():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        rows = []
        for begin, (count, size) in {"Pack.Large": LARGE, "Pack.Huge": HUGE}.items():
            for number in range(count):
                name = f"{begin}.A{number}"
                archive.writestr(f"orgs/OTEST/artifacts/{name}.yaml", yaml_of(name, size))
                tags = {"tags": ["pack"]} if number == 0 else {}
                rows.append(
                    {"artifact": name, "filename": f"artifacts/{name}.yaml"} | {"metadata": tags}
                )
        archive.writestr("orgs/OTEST/custom_artifacts.json", "\n".join(map(json.dumps, rows)))
    return zipfile.ZipFile(out)


def test_six_megabytes_of_artifacts_come_back(served, backup):
    findings = []
    with open_api(served.target, served.config) as api:
        # Why: a message that is larger is refused, by every server.
        with pytest.raises(ServerError, match="RESOURCE_EXHAUSTED"):
            api.query("SELECT 1 FROM scope()", env={"Large": "x" * (4 << 20)})
        set_artifacts(api, backup, "OTEST", findings)
        held = {row["name"]: row for row in api.query(HELD, org="OTEST")}
    wanted = [f"Pack.Large.A{number}" for number in range(LARGE[0])]
    assert {name: held[name]["Size"] for name in wanted} == {
        name: len(yaml_of(name, LARGE[1])) for name in wanted
    }
    assert held["Pack.Large.A0"]["Tags"] == ["pack"]
    assert "Pack.Huge.A0" not in held
    assert [finding.partition(" (")[0] for finding in findings] == [
        "OTEST: the artifact Pack.Huge.A0"
    ]
