import pytest
import yaml
from pydantic import SecretStr

from recovery.errors import BadInputError
from recovery.infra.stack_settings import require_files
from recovery.infra.workspace import CLONE
from recovery.settings import Settings, base_image, keys, parse_settings

PROJECT = yaml.safe_load((CLONE / "Pulumi.yaml").read_text())


def test_the_schema_and_the_settings_know_the_same_keys():
    assert set(PROJECT["config"]) == set(keys())


def test_every_setting_is_described():
    for key, schema in PROJECT["config"].items():
        assert schema["description"].endswith("."), key
        assert schema["type"] in {"string", "integer", "boolean"}, key


def test_the_schemas_defaults_are_the_settings_own():
    as_pulumi_gives_them = {
        key: str(schema["default"]).lower()
        if schema["type"] == "boolean"
        else str(schema["default"])
        for key, schema in PROJECT["config"].items()
    }
    assert parse_settings(as_pulumi_gives_them | {"vault": "v"}) == Settings(vault="v")


def test_values_of_every_kind():
    settings = parse_settings(
        {
            "vault": "/srv/vault",
            "strategy": "backup, collections",
            "importBeforeDns": "true",
            "readyTimeout": "300",
            "name": "velociraptor.example.com",
            "dns": "rfc2136",
            "dnsServer": "192.0.2.53",
            "dnsKeyName": "recovery",
            "dnsKeySecret": "c2VjcmV0",
            "dockerConnect": "ssh",
        }
    )
    assert settings.strategy == ("backup", "collections")
    assert settings.import_before_dns
    assert settings.ready_timeout == 300
    assert settings.dns.key_secret == SecretStr("c2VjcmV0")
    assert settings.docker.connect == "ssh"
    assert "c2VjcmV0" not in repr(settings)


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("vualt", "vault"),
        ("importBeforeDNS", "importBeforeDns"),
        ("docker_network", "dockerNetwork"),
        ("dnsKeySecert", "dnsKeySecret"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest(key, near):
    with pytest.raises(BadInputError, match=f"recovery:{key}; did you mean recovery:{near}\\?"):
        parse_settings({"vault": "v", key: "x"})


def test_a_key_like_no_other_is_refused_without_a_guess():
    with pytest.raises(BadInputError) as refused:
        parse_settings({"vault": "v", "zzzzzz": "x"})
    assert "did you mean" not in str(refused.value)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "neither vault nor package"),
        ({"package": "p", "point": "x"}, "no vault to take it from"),
        ({"vault": "v", "machine": "host"}, "hostUri is empty"),
        ({"vault": "v", "machine": "vax"}, "recovery:machine can't be used"),
        ({"vault": "v", "strategy": "everything"}, "recovery:strategy can't be used"),
        ({"vault": "v", "strategy": " "}, "strategy names no part"),
        (
            {"vault": "v", "flowsSince": "2026-02-01T00:00:00+00:00", "flowsUntil": "2026-01-31"},
            "flowsSince is after flowsUntil",
        ),
        ({"vault": "v", "dnsTtl": "soon"}, "recovery:dnsTtl can't be used"),
        ({"vault": "v", "dnsTtl": "0"}, "recovery:dnsTtl can't be used"),
        ({"vault": "v", "dns": "rfc2136", "dnsServer": "192.0.2.1"}, "no name to publish"),
        ({"vault": "v", "dns": "rfc2136", "name": "a.b"}, "dnsServer is empty"),
        ({"vault": "v", "dnsKeyName": "k"}, "belong together"),
        ({"vault": "v", "dockerResolver": "ns.example"}, "must be an IP address"),
    ],
)
def test_what_does_not_agree_is_refused(values, words):
    with pytest.raises(BadInputError) as refused:
        parse_settings(values)
    assert words in str(refused.value)
    assert refused.value.exit_code == 64
    assert refused.value.hint


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("strategy", "stat,collections", "'stat' is none of redeploy, backup, state,"),
        ("strategy", "stat", "did you mean state?"),
        ("machine", "awz", "did you mean aws?"),
        ("awsEntry", "elasticip", "did you mean elasticIp?"),
        ("hunts", "paus", "did you mean paused?"),
        ("providers", "notebook,flow", "did you mean flows?"),
        ("dnsKeyAlgorithm", "sha256", "did you mean hmac-sha256?"),
        ("standby", "yess", "'yess' is none of true, false"),
        ("dnsTtl", "1.5", "'1.5' is no whole number"),
        ("dnsTtl", "0", "0 is less than 1"),
        ("awsFrontendPort", "70000", "70000 is more than 65535"),
        ("readyTimeout", "soon", "'soon' is no number"),
        ("readyTimeout", "0", "0 is not more than 0"),
        ("flowsSince", "yesterday", "like 2026-01-31T12:00:00"),
        ("hostUri", "192.0.2.7", "like ssh://root@192.0.2.7"),
        ("dnsServer", "ns.example.com", "must be an IP address"),
        ("dnsServer", "[ns]:53", "must be an IP address"),
        ("name", "velo example", "like velociraptor.example.com"),
        ("dnsZone", "example..com", "like example.com"),
        ("datastore", "srv/velo", "the absolute path of a folder"),
        ("dockerPrefix", "-x", "the beginning of a container's name"),
        ("awsAmi", "debian", "like ami-"),
        ("awsInstanceType", "big", "like t3.medium"),
        ("awsKmsKey", "alias/x", "like arn:aws:kms:"),
        ("awsSnapshot", "snap", "like snap-"),
        ("awsSubnet", "mine", "like subnet-"),
        ("awsVpc", "mine", "like vpc-"),
        ("awsZoneId", "example.com", "like Z0"),
        ("awsClientsFrom", "anywhere", "like 192.0.2.0/24"),
        ("awsAdminsFrom", "192.0.2.7/24", "like 192.0.2.0/24"),
        ("awsAmi", "x" * 1000, "x…'"),
    ],
)
def test_a_bad_value_is_refused_in_plain_words(key, value, words):
    with pytest.raises(BadInputError) as refused:
        parse_settings({"vault": "v", key: value})
    said = str(refused.value)
    assert f"recovery:{key}" in said
    assert words in said
    assert not [word for word in ("Input should", "pattern", "Value error") if word in said]
    assert len(said) < 400


def test_good_values_stay_good():
    given = {
        "name": "velo.example.com.",
        "dnsZone": "example.com",
        "dnsServer": "[2001:db8::53]:5353",
        "flowsSince": "2026-01-31",
        "providers": "ACL,flows",
        "hostUri": "local://",
        "awsVpc": "vpc-0a",
        "awsSubnet": "subnet-0a",
    }
    assert parse_settings({"vault": "v", **given}).dns.server == "[2001:db8::53]:5353"


def test_files_that_are_not_there_are_refused_before_anything_is_made(tmp_path):
    package, vault = tmp_path / "server.deb", tmp_path / "vault"
    for settings, words in (
        (
            Settings(vault=str(vault)),
            f"recovery:vault can't be used: there is no vault folder {vault}",
        ),
        (Settings(package=str(package)), "recovery:package can't be used: there is no package"),
        (Settings(vault="s3://b/p", accounts="know"), "did you mean known?"),
    ):
        with pytest.raises(BadInputError) as refused:
            require_files(settings)
        assert words in str(refused.value)
        assert "nothing was changed" in refused.value.hint
    package.touch()
    vault.mkdir()
    require_files(Settings(vault=str(vault), package=str(package), accounts="known"))
    require_files(Settings(vault="s3://bucket/points"))


def test_a_refused_secret_is_not_repeated():
    with pytest.raises(BadInputError) as refused:
        parse_settings({"vault": "v", "dnsKeySecret": "hunter2", "dnsKeyAlgorithm": "hmac-md5"})
    assert "hunter2" not in str(refused.value)


def test_the_image_is_the_given_one_then_the_environments(monkeypatch):
    monkeypatch.setenv("RECOVERY_BASE_IMAGE", "mine:1")
    assert base_image("given:2") == "given:2"
    assert base_image("") == "mine:1"
    monkeypatch.delenv("RECOVERY_BASE_IMAGE")
    assert base_image("") == "velociraptor-recovery-base:current"
