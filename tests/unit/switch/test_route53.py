import pytest

from recovery.switch.route53 import batch

A = {"Name": "velo.example.", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
AAAA = {**A, "Type": "AAAA", "ResourceRecords": [{"Value": "2001:db8::1"}]}


def test_the_lost_servers_other_family_goes_in_the_same_batch():
    changes = batch([A, AAAA], "velo.example.", "192.0.2.7", 30)["Changes"]
    assert changes == [
        {"Action": "DELETE", "ResourceRecordSet": AAAA},
        {
            "Action": "UPSERT",
            "ResourceRecordSet": {**A, "TTL": 30, "ResourceRecords": [{"Value": "192.0.2.7"}]},
        },
    ]


def test_an_ipv6_address_becomes_an_aaaa():
    changes = batch([A], "velo.example.", "2001:db8::7", 60)["Changes"]
    assert [(c["Action"], c["ResourceRecordSet"]["Type"]) for c in changes] == [
        ("DELETE", "A"),
        ("UPSERT", "AAAA"),
    ]


def test_records_with_a_routing_policy_are_left_alone():
    with pytest.raises(ValueError, match="routing policy"):
        batch([{**A, "SetIdentifier": "eu"}], "velo.example.", "192.0.2.7", 60)
