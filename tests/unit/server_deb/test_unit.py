import pytest

from server_deb.config import read_config
from server_deb.unit import UnitPlan, outermost, plan_unit
from tests.unit.server_deb.material import REAL_CONFIG, edited


def plan(**changes) -> UnitPlan:
    change = {name.replace("__", "."): value for name, value in changes.items()}
    return plan_unit(read_config(edited(change) if change else REAL_CONFIG, "c"))


def test_the_unit_is_as_closed_as_the_config_allows():
    assert plan() == UnitPlan(
        folders=("/srv/lab1/A/ds", "/srv/lab1/A/logs"),
        private_tmp=True,
        in_home=False,
        low_ports=False,
        waits_for_address=False,
    )


@pytest.mark.parametrize("setting", ["Frontend", "GUI", "API", "Monitoring"])
def test_a_low_port_of_any_listener_needs_the_capability(setting):
    assert plan(**{f"{setting}__bind_port": 443}).low_ports
    assert plan(**{f"{setting}__bind_port": 1023}).low_ports
    assert not plan(**{f"{setting}__bind_port": 1024}).low_ports


@pytest.mark.parametrize("folder", ["/var/tmp/velociraptor", "/tmp/v"])
def test_a_private_tmp_never_hides_the_data(folder):
    assert not plan(Datastore__location=folder).private_tmp


def test_a_home_folder_stays_visible_if_data_is_there():
    assert plan(Logging__output_directory="/home/v/logs").in_home


@pytest.mark.parametrize(
    ("address", "waits"),
    [
        ("0.0.0.0", False),  # noqa: S104
        ("::", False),
        ("127.0.0.1", False),
        ("localhost", False),
        ("10.0.0.5", True),
    ],
)
def test_only_an_address_of_its_own_is_waited_for(address, waits):
    assert plan(Frontend__bind_address=address).waits_for_address is waits


def test_inner_folders_go_with_the_outer_one():
    assert outermost(["/a/b", "/a", "/ab", "/a/", "/c/d/e"]) == ("/a", "/ab", "/c/d/e")
