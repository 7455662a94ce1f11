"""The AWS stack under mocks: every component and option, and the rules that it must keep."""

import json
import os
import runpy
from ipaddress import ip_network
from pathlib import Path

import pytest
import yaml
from pulumi_aws import ebs

from recovery.errors import BadInputError
from recovery.infra.aws.cost import estimate, total
from recovery.infra.aws.credentials import require_credentials
from recovery.infra.aws.first_boot import MOUNT, user_data
from recovery.infra.aws.vault_access import read_policy
from recovery.infra.aws.vault_bucket import VaultBucket, VaultBucketArgs
from recovery.infra.workspace import CLONE
from recovery.settings import keys, parse_settings

# Pulumi's mocks leave event loops of their threads to the collector (see conftest).
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

AWS = {
    "machine": "aws",
    "vault": "s3://vault/points",
    "awsAdminsFrom": "192.0.2.0/24",
    "dns": "route53",
    "name": "velociraptor.example.com",
    "dnsZone": "example.com",
}


def plain(value):
    """A mock's input without the wrapping of secrets."""
    return value["value"] if isinstance(value, dict) and "value" in value else value


def test_the_instance(plan):
    instance = plan(AWS).one("Instance").inputs
    assert instance["ami"] == "ami-0123456789abcdef0"
    assert instance["instanceType"] == "t3.medium"
    assert instance["metadataOptions"] == {
        "httpEndpoint": "enabled",
        "httpTokens": "required",
        "httpPutResponseHopLimit": 1,
    }
    assert instance["rootBlockDevice"]["encrypted"] is True
    assert instance["associatePublicIpAddress"] is False
    assert "HOST-PRIVATE" in plain(instance["userData"])
    assert "OPERATOR" not in plain(instance["userData"]), "it comes by the key pair"


def test_a_given_image_is_not_looked_up(plan):
    made = plan({**AWS, "awsAmi": "ami-00000001", "awsInstanceType": "m7i.large"})
    assert made.one("Instance").inputs["ami"] == "ami-00000001"
    assert made.one("Instance").inputs["instanceType"] == "m7i.large"
    assert "aws:ec2/getAmi:getAmi" not in [token for token, _ in made.calls]


def test_the_image_is_debians_own(plan):
    (query,) = [args for token, args in plan(AWS).calls if token == "aws:ec2/getAmi:getAmi"]
    assert query["owners"] == ["136693071363"]
    assert query["mostRecent"] is True
    assert {"name": "name", "values": ["debian-12-amd64-*"]} in query["filters"]


def test_the_steps_come_over_ssh_when_the_first_boot_is_over(plan):
    made = plan(AWS)
    access = made.one("SshAccess").inputs
    assert access["address"] == "198.51.100.8"
    assert access["ready"] == ["cloud-init", "status", "--wait"]
    assert access["via"] == ""
    assert {group.inputs["machine"] for group in made.of("StepGroup")} == {"machine-id"}


def test_the_way_in(plan):
    rules = {
        (rule.inputs["fromPort"], rule.inputs.get("cidrIpv4") or rule.inputs["cidrIpv6"])
        for rule in plan({**AWS, "awsAdminsFrom": "192.0.2.0/24,2001:db8::/32"}).of(
            "SecurityGroupIngressRule"
        )
    }
    assert rules == {
        (8000, "0.0.0.0/0"),
        (8000, "::/0"),
        (8889, "192.0.2.0/24"),
        (22, "192.0.2.0/24"),
        (8889, "2001:db8::/32"),
        (22, "2001:db8::/32"),
    }


def test_the_frontend_for_given_ranges_on_another_port(plan):
    rules = plan({**AWS, "awsClientsFrom": "198.51.100.0/24", "awsFrontendPort": "443"}).of(
        "SecurityGroupIngressRule"
    )
    assert [rule.inputs["cidrIpv4"] for rule in rules if rule.inputs["fromPort"] == 443] == [
        "198.51.100.0/24"
    ]


@pytest.mark.parametrize(
    "option", [{}, {"awsEntry": "loadBalancer"}, {"awsSnapshot": "snap-00000001"}]
)
def test_the_rules_that_every_plan_keeps(plan, option):
    """No SSH, GUI or API for the world; everything encrypted; IMDSv2; everything tagged."""
    made = plan({**AWS, **option})
    for rule in made.of("SecurityGroupIngressRule"):
        source = ip_network(rule.inputs.get("cidrIpv4") or rule.inputs["cidrIpv6"])
        assert rule.inputs["fromPort"] == rule.inputs["toPort"]
        assert rule.inputs["fromPort"] != 8001
        assert rule.inputs["fromPort"] == 8000 or source.prefixlen >= 8
    assert all(volume.inputs["encrypted"] for volume in made.of("Volume"))
    for instance in made.of("Instance"):
        assert instance.inputs["rootBlockDevice"]["encrypted"] is True
        assert instance.inputs["metadataOptions"]["httpTokens"] == "required"
    tagged = [one for one in made.made if one.type.startswith("aws:") and "tags" in one.inputs]
    assert len(tagged) > 10
    assert {one.inputs["tags"]["velociraptor-recovery.stack"] for one in tagged} == {
        "recovery-test"
    }


@pytest.mark.parametrize("source", ["0.0.0.0/0", "::/0", "0.0.0.0/1", "2000::/3"])
def test_the_world_is_no_administrator(source):
    with pytest.raises(BadInputError, match="half the world"):
        parse_settings({**AWS, "awsAdminsFrom": source})


def test_nobody_is_no_administrator_either():
    with pytest.raises(BadInputError, match="nobody could reach it"):
        parse_settings({key: value for key, value in AWS.items() if key != "awsAdminsFrom"})


def test_the_gui_on_another_port(plan):
    made = plan({**AWS, "awsGuiPort": "9443"})
    rules = {rule.inputs["fromPort"] for rule in made.of("SecurityGroupIngressRule")}
    assert rules == {8000, 9443, 22}


def test_the_systems_own_volume(plan):
    made = plan({**AWS, "awsRootSize": "40", "awsKmsKey": "arn:k"})
    disk = made.one("Instance").inputs["rootBlockDevice"]
    assert (disk["volumeSize"], disk["kmsKeyId"]) == (40, "arn:k")
    assert disk["deleteOnTermination"] is True


@pytest.mark.parametrize(("setting", "kept"), [({}, True), ({"awsProtect": "false"}, False)])
def test_the_datastores_volume_is_protected_unless_told(plan, monkeypatch, setting, kept):
    options = {}
    make = ebs.Volume.__init__

    def watched(self, name, *args, **more):
        options[name] = more["opts"].protect
        make(self, name, *args, **more)

    monkeypatch.setattr(ebs.Volume, "__init__", watched)
    plan({**AWS, **setting})
    assert options == {"machine-datastore": kept}


def test_the_datastore(plan):
    made = plan(
        {**AWS, "awsVolumeSize": "500", "awsSnapshot": "snap-0123abcd", "awsKmsKey": "arn:k"}
    )
    volume = made.one("Volume").inputs
    assert volume["size"] == 500
    assert volume["snapshotId"] == "snap-0123abcd"
    assert volume["kmsKeyId"] == "arn:k"
    assert volume["availabilityZone"] == "eu-central-1a"
    assert made.one("VolumeAttachment").inputs["stopInstanceBeforeDetaching"] is True


def test_a_given_network(plan):
    made = plan({**AWS, "awsVpc": "vpc-1", "awsSubnet": "subnet-1"})
    assert made.of("Vpc") == []
    assert made.one("Instance").inputs["subnetId"] == "subnet-1"
    assert made.one("SecurityGroup").inputs["vpcId"] == "vpc-1"
    assert made.one("Volume").inputs["availabilityZone"] == "eu-central-1b"
    assert [record.inputs["type"] for record in made.of("Record")] == ["A"]


def test_an_own_network_is_closed_by_default(plan):
    made = plan(AWS)
    assert "ingress" not in made.one("DefaultSecurityGroup").inputs
    assert made.one("Subnet").inputs["ipv6CidrBlock"] == "2001:db8:0:100::/64"
    assert made.one("Subnet").inputs["mapPublicIpOnLaunch"] is False


def test_the_name_is_taken_over(plan):
    made = plan(AWS)
    record = made.one("Record").inputs
    assert (record["type"], record["records"]) == ("A", ["198.51.100.8"])
    assert record["allowOverwrite"] is True
    assert record["ttl"] == 60
    assert record["zoneId"] == "ZONE"
    assert proof_of(made)["dns"] == {
        "name": AWS["name"],
        "address": "198.51.100.8",
        "address6": "",
        "nameserver": "ns-1.awsdns.example",
    }, "the zone's own server is asked, and an AAAA record of the lost server would be noticed"


def proof_of(made):
    (proof,) = [group for group in made.of("StepGroup") if group.name == "proof"]
    return proof.inputs["request"]


def test_the_name_has_ipv6_where_the_frontend_listens_on_it(plan):
    made = plan({**AWS, "dnsIpv6": "true"})
    records = {record.inputs["type"]: record.inputs["records"] for record in made.of("Record")}
    assert records == {"A": ["198.51.100.8"], "AAAA": ["2001:db8::7"]}
    assert proof_of(made)["dns"]["address6"] == "2001:db8::7"
    with pytest.raises(BadInputError, match="own network"):
        parse_settings({**AWS, "dnsIpv6": "true", "awsVpc": "vpc-1", "awsSubnet": "subnet-1"})


def test_a_zone_by_its_id(plan):
    made = plan({**AWS, "awsZoneId": "ZGIVEN"})
    assert {record.inputs["zoneId"] for record in made.of("Record")} == {"ZGIVEN"}
    (asked,) = [args for token, args in made.calls if token == "aws:route53/getZone:getZone"]
    assert asked == {"zoneId": "ZGIVEN"}


def test_a_load_balancer(plan):
    made = plan({**AWS, "awsEntry": "loadBalancer", "awsHealthCheck": "true"})
    assert made.of("Eip") == []
    assert made.one("Instance").inputs["associatePublicIpAddress"] is True
    balancer = made.one("LoadBalancer").inputs
    assert balancer["loadBalancerType"] == "network"
    assert balancer["ipAddressType"] == "dualstack"
    assert made.one("Listener").inputs["port"] == 8000
    aliases = {record.inputs["type"]: record.inputs["aliases"] for record in made.of("Record")}
    assert aliases["A"] == aliases["AAAA"]
    assert aliases["A"][0]["name"] == "lb.example"
    assert made.one("HealthCheck").inputs["fqdn"] == "lb.example"
    promise = proof_of(made)["dns"]
    assert promise["nameserver"] == "ns-1.awsdns.example"
    assert promise["balancer"] == {
        "dns_name": "lb.example",
        "group": "arn:machine-balancer",
        "instance": "machine-id",
        "zone": "ZONE",
        "region": "a-word",
        "profile": "",
        "kinds": ["A", "AAAA"],
    }
    assert "balancer" not in proof_of(plan(AWS))["dns"]


def test_a_health_check_of_the_machine(plan):
    made = plan({**AWS, "awsHealthCheck": "true"})
    assert made.one("HealthCheck").inputs["ipAddress"] == "198.51.100.8"
    assert {record.inputs["healthCheckId"] for record in made.of("Record")} == {"name-id"}


def test_the_instance_may_read_its_vaults_prefix_and_nothing_else(plan):
    document = json.loads(plan(AWS).one("RolePolicy").inputs["policy"])
    assert document == read_policy("s3://vault/points")
    listing, reading = document["Statement"]
    assert listing["Condition"] == {"StringLike": {"s3:prefix": ["points", "points/*"]}}
    assert reading == {
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::vault/points/*",
    }


def test_without_an_s3_vault_the_instance_may_do_nothing(plan):
    assert plan({**AWS, "vault": "/srv/vault"}).of("RolePolicy") == []


def test_the_first_boot():
    text = user_data("HOST-PRIVATE", "HOST-PUBLIC", "vol-0abc", "/var/lib/velociraptor")
    assert text.startswith("#cloud-config\n")
    config = yaml.safe_load(text)
    assert config["ssh_keys"] == {
        "ed25519_private": "HOST-PRIVATE",
        "ed25519_public": "HOST-PUBLIC",
    }
    assert config["disable_root"] is False
    assert config["runcmd"] == [[MOUNT, "vol-0abc", "/var/lib/velociraptor"]]
    assert "velociraptor_server" not in text, "no service starts"
    assert "blkid" in config["write_files"][0]["content"], "an old file system is never lost"


@pytest.mark.parametrize("adopt", [False, True])
def test_the_vaults_bucket(plan, adopt):
    args = VaultBucketArgs("vault-1", lock_days=7, keep_days=60, kms_key="arn:k", adopt=adopt)
    made = plan(program=lambda: VaultBucket("vault", args))
    assert made.one("Bucket").inputs["objectLockEnabled"] is True
    assert made.one("BucketVersioning").inputs["versioningConfiguration"] == {"status": "Enabled"}
    (rule,) = made.one("BucketServerSideEncryptionConfiguration").inputs["rules"]
    assert rule["applyServerSideEncryptionByDefault"] == {
        "sseAlgorithm": "aws:kms",
        "kmsMasterKeyId": "arn:k",
    }
    block = made.one("BucketPublicAccessBlock").inputs
    assert all(value is True for key, value in block.items() if key != "bucket")
    lock = made.one("BucketObjectLockConfiguration").inputs["rule"]["defaultRetention"]
    assert lock == {"mode": "GOVERNANCE", "days": 7}
    (lifecycle,) = made.one("BucketLifecycleConfiguration").inputs["rules"]
    assert lifecycle["noncurrentVersionExpiration"] == {"noncurrentDays": 60}
    assert "expiration" not in lifecycle, "what is current never goes by itself"
    assert made.of("BucketReplicationConfig") == []


def test_the_vaults_copy_in_a_second_region(plan):
    args = VaultBucketArgs("vault-1", copy_region="eu-west-1")
    made = plan(program=lambda: VaultBucket("vault", args))
    regions = {bucket.inputs["bucket"]: bucket.inputs.get("region") for bucket in made.of("Bucket")}
    assert regions == {"vault-1": None, "vault-1-copy": "eu-west-1"}
    (rule,) = made.one("BucketReplicationConfig").inputs["rules"]
    assert rule["deleteMarkerReplication"] == {"status": "Disabled"}
    statements = json.loads(made.one("RolePolicy").inputs["policy"])["Statement"]
    assert {str(one["Resource"]) for one in statements} == {
        "arn:aws:s3:::vault-1",
        "arn:aws:s3:::vault-1/*",
        "arn:aws:s3:::vault-1-copy/*",
    }


def test_the_price():
    known, unknown = total(estimate(parse_settings(AWS)))
    assert known == pytest.approx(44.12, abs=0.01)
    assert unknown == []
    _, unknown = total(estimate(parse_settings({**AWS, "awsInstanceType": "x9.huge"})))
    assert unknown == ["instance x9.huge"]


def test_every_setting_of_aws_is_used_here():
    """A setting that no test of this file names is one that nobody tried."""
    text = Path(__file__).read_text()
    schema = yaml.safe_load((CLONE / "Pulumi.yaml").read_text())["config"]
    wanted = {key for key in schema if key.startswith("aws")}
    assert wanted == {key for key in keys() if key.startswith("aws")}
    assert {key for key in wanted if f'"{key}": ' not in text} == set()


def test_the_buckets_own_stack(plan):
    folder = CLONE / "recovery/infra/aws/vault_stack"
    schema = yaml.safe_load((folder / "Pulumi.yaml").read_text())["config"]
    assert "default" not in schema["bucket"], "nobody else can choose its name"
    given = {key: str(one["default"]).lower() for key, one in schema.items() if "default" in one}
    made = plan(
        {**given, "bucket": "vault-1"}, program=lambda: runpy.run_path(str(folder / "__main__.py"))
    )
    assert made.one("Bucket").inputs["bucket"] == "vault-1"


@pytest.fixture
def no_aws(monkeypatch, tmp_path):
    """An environment in which nothing of AWS is set."""
    for key in [key for key in os.environ if key.startswith("AWS_")]:
        monkeypatch.delenv(key)
    for key in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(key, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


def test_without_credentials_it_says_what_to_set(no_aws):
    with pytest.raises(BadInputError, match="there are no AWS credentials") as refused:
        require_credentials(parse_settings(AWS), {"aws:region": "eu-central-1"})
    assert "AWS_PROFILE" in refused.value.hint
    with pytest.raises(BadInputError, match="profile"):
        require_credentials(parse_settings(AWS), {"aws:profile": "nobody"})
    no_aws.setenv("AWS_ACCESS_KEY_ID", "k")
    no_aws.setenv("AWS_SECRET_ACCESS_KEY", "s")
    with pytest.raises(BadInputError, match="no AWS region"):
        require_credentials(parse_settings(AWS), {})
    require_credentials(parse_settings(AWS), {"aws:region": "eu-central-1"})
    no_aws.setenv("AWS_REGION", "eu-central-1")
    require_credentials(parse_settings(AWS), {})


def test_a_stack_without_aws_needs_no_credentials(no_aws):
    require_credentials(parse_settings({"vault": "/srv/vault"}), {})
