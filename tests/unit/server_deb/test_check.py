import datetime as dt

import pytest

from server_deb import PackageError
from server_deb.check import check_config
from server_deb.config import read_config
from tests.unit.server_deb.material import FIXTURES, NOW, REAL_CONFIG, dated_config, edited


def check(raw, **how):
    return check_config(read_config(raw, "c.yaml"), now=NOW, **how)


def refused(raw, **how):
    with pytest.raises(PackageError) as caught:
        check(raw, **how)
    assert caught.value.exit_code == 64
    assert caught.value.hint
    return caught.value


def test_a_real_config_passes_without_a_word():
    assert check(REAL_CONFIG) == ()


@pytest.mark.parametrize("name", ["client.config.yaml", "api.yaml", "client_writeback.yaml"])
def test_other_files_of_velociraptor_are_no_server_config(name):
    assert "has no section" in refused((FIXTURES / name).read_bytes()).what


@pytest.mark.parametrize(
    "setting",
    [
        "Client.ca_certificate",
        "Client.nonce",
        "Frontend.certificate",
        "Frontend.private_key",
        "GUI.gw_certificate",
        "GUI.gw_private_key",
        "Datastore.location",
        "Datastore.filestore_directory",
    ],
)
@pytest.mark.parametrize("value", [None, "", 17])
def test_what_the_server_needs_is_missed_by_name(setting, value):
    error = refused(edited({setting: value}))
    assert error.what == f"the config has no {setting}"
    assert error.where == f"c.yaml: {setting}"


@pytest.mark.parametrize("section", ["API", "Client", "Frontend", "GUI", "Datastore"])
def test_a_missing_section_is_named(section):
    assert refused(edited({section: None})).where == f"c.yaml: {section}"


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"Frontend.certificate": "-----BEGIN CERTIFICATE-----\nAAAA\n"}, "Frontend.certificate"),
        ({"Client.ca_certificate": "text"}, "Client.ca_certificate"),
        ({"Frontend.private_key": "text"}, "Frontend.private_key"),
        ({"CA.private_key": "text"}, "CA.private_key"),
        ({"GUI.public_url": None}, "GUI.public_url"),
        ({"GUI.public_url": "https://v.example/"}, "GUI.public_url"),
        ({"GUI.base_path": "/v"}, "GUI.public_url"),
        ({"Client.server_urls": []}, "Client.server_urls"),
        ({"Client.server_urls": ["https://v.example"]}, "Client.server_urls"),
        ({"Frontend.run_as_user": "alice"}, "Frontend.run_as_user"),
        ({"Datastore.location": "relative/path"}, "Datastore.location"),
        ({"Datastore.location": "/srv/../etc"}, "Datastore.location"),
        ({"Datastore.location": "/srv/a b"}, "Datastore.location"),
        ({"Datastore.location": "/srv/$(id)"}, "Datastore.location"),
        ({"Datastore.location": "/srv/a\nb"}, "Datastore.location"),
        ({"Datastore.location": "/var"}, "Datastore.location"),
        ({"Datastore.location": "/var/lib/"}, "Datastore.location"),
        ({"Datastore.location": "/usr/share/v"}, "Datastore.location"),
        ({"Logging.output_directory": "/var/log"}, "Logging.output_directory"),
    ],
)
def test_what_the_server_or_the_package_can_not_work_with_is_refused(change, where):
    assert refused(edited(change)).where == f"c.yaml: {where}"


def test_a_base_path_belongs_into_the_public_url():
    url = "https://v.example/v/app/index.html"
    assert check(edited({"GUI.base_path": "/v", "GUI.public_url": url})) == ()


def test_keys_of_another_deployment_are_refused():
    other = dated_config()
    mixed = edited({"Frontend.private_key": read_config(other, "o").text("Frontend.private_key")})
    assert "is not the key of Frontend.certificate" in refused(mixed).what
    theirs = {
        name: read_config(other, "o").text(name)
        for name in ("Frontend.certificate", "Frontend.private_key")
    }
    assert "is not issued by" in refused(edited(theirs)).what


def test_no_message_holds_key_material():
    error = refused(edited({"Frontend.private_key": "SECRETSECRET"}))
    assert "SECRETSECRET" not in f"{error} {error.__cause__}"


@pytest.mark.parametrize("which", ["ca", "frontend", "gui"])
def test_an_expired_certificate_is_refused(which):
    error = refused(dated_config(**{which: NOW - dt.timedelta(days=1)}))
    assert "expired on 2026-11-22" in error.what


def test_an_expired_certificate_passes_on_request_where_the_server_heals_it():
    over = dated_config(frontend=NOW - dt.timedelta(days=1))
    assert "reissued in memory" in check(over, allow_expired=True)[0]
    refused(edited({"CA.private_key": None}, over), allow_expired=True)
    refused(dated_config(ca=NOW - dt.timedelta(days=1)), allow_expired=True)


def test_a_certificate_that_ends_soon_is_a_warning():
    assert check(dated_config(gui=NOW + dt.timedelta(days=29))) == (
        "GUI.gw_certificate expires in 29 days, on 2026-12-22",
    )
    assert check(dated_config(gui=NOW + dt.timedelta(days=31))) == ()


def test_a_config_without_the_key_of_its_ca_is_a_warning():
    assert "CA.private_key is not in the config" in check(edited({"CA.private_key": None}))[0]


@pytest.mark.parametrize(("seconds", "warned"), [(5, True), (10, True), (11, False), (15, False)])
def test_a_client_list_that_is_never_written_is_a_warning(seconds, warned):
    warnings = check(edited({"Frontend.resources.client_info_write_time": seconds}))
    assert bool(warnings) is warned


def test_a_datastore_in_a_temporary_folder_is_a_warning():
    warnings = check(edited({"Datastore.location": "/var/tmp/velociraptor"}))
    assert warnings == (
        "Datastore.location is /var/tmp/velociraptor: systemd-tmpfiles may delete old files there",
    )
