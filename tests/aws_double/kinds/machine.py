"""Instance, volumes, key pair and address."""

from typing import Any

from aws_double import machines
from aws_double.account import Account
from aws_double.kinds.kind import Kind, RefusedError, gone, tagged

_ENDED = ("terminated", "shutting-down")


class KeyPair(Kind):
    token = "aws:ec2/keyPair:KeyPair"
    makes_another = frozenset({"keyName", "publicKey"})
    named = "keyName"

    def create(self, account: Account, name: str, given: dict[str, Any]) -> str:
        account.ec2.import_key_pair(
            KeyName=given["keyName"],
            PublicKeyMaterial=given["publicKey"].encode(),
            TagSpecifications=tagged("key-pair", given),
        )
        return given["keyName"]

    def look(self, account: Account, ident: str, given: dict[str, Any]) -> dict[str, Any] | None:
        seen = gone(lambda: account.ec2.describe_key_pairs(KeyNames=[ident]))
        return seen and {"keyPairId": seen["KeyPairs"][0]["KeyPairId"]}

    def delete(self, account: Account, ident: str, known: dict[str, Any]) -> None:
        gone(lambda: account.ec2.delete_key_pair(KeyName=ident))


class Volume(Kind):
    token = "aws:ebs/volume:Volume"
    makes_another = frozenset({"availabilityZone", "snapshotId", "encrypted", "kmsKeyId"})

    def create(self, account: Account, name: str, given: dict[str, Any]) -> str:
        wanted = {
            "AvailabilityZone": given["availabilityZone"],
            "Size": given.get("size"),
            "VolumeType": given.get("type"),
            "Encrypted": given.get("encrypted"),
            "KmsKeyId": given.get("kmsKeyId"),
            "SnapshotId": given.get("snapshotId"),
            "TagSpecifications": tagged("volume", given),
        }
        made = account.ec2.create_volume(**{key: one for key, one in wanted.items() if one})
        return made["VolumeId"]

    def settle(self, account: Account, ident: str, given: dict[str, Any]) -> None:
        seen = account.ec2.describe_volumes(VolumeIds=[ident])["Volumes"][0]
        if given.get("size") and seen["Size"] != given["size"]:
            account.ec2.modify_volume(VolumeId=ident, Size=given["size"])

    def look(self, account: Account, ident: str, given: dict[str, Any]) -> dict[str, Any] | None:
        seen = gone(lambda: account.ec2.describe_volumes(VolumeIds=[ident]))
        return seen and {"arn": f"arn:aws:ec2:{account.places.region}:123456789012:volume/{ident}"}

    def delete(self, account: Account, ident: str, known: dict[str, Any]) -> None:
        gone(lambda: account.ec2.delete_volume(VolumeId=ident))


class Instance(Kind):
    """In moto, and as a container that boots from the same user data."""

    token = "aws:ec2/instance:Instance"
    makes_another = frozenset(
        {"ami", "subnetId", "userData", "keyName", "associatePublicIpAddress", "ipv6AddressCount"}
    )

    def create(self, account: Account, name: str, given: dict[str, Any]) -> str:
        door: dict[str, Any] = {
            "DeviceIndex": 0,
            "SubnetId": given["subnetId"],
            "Groups": given["vpcSecurityGroupIds"],
            "AssociatePublicIpAddress": bool(given.get("associatePublicIpAddress")),
        }
        if count := given.get("ipv6AddressCount"):
            door["Ipv6AddressCount"] = count
        options = given.get("metadataOptions") or {}
        disk = given.get("rootBlockDevice") or {}
        ebs = {
            "Encrypted": bool(disk.get("encrypted")),
            "VolumeType": disk.get("volumeType", "gp3"),
            "VolumeSize": disk.get("volumeSize", 8),
            "DeleteOnTermination": bool(disk.get("deleteOnTermination", True)),
        }
        if disk.get("kmsKeyId"):
            ebs["KmsKeyId"] = disk["kmsKeyId"]
        made = account.ec2.run_instances(
            MinCount=1,
            MaxCount=1,
            ImageId=given["ami"],
            InstanceType=given["instanceType"],
            KeyName=given["keyName"],
            UserData=given["userData"],
            IamInstanceProfile={"Name": given["iamInstanceProfile"]},
            NetworkInterfaces=[door],
            BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": ebs}],
            MetadataOptions={
                "HttpEndpoint": options.get("httpEndpoint", "enabled"),
                "HttpTokens": options.get("httpTokens", "optional"),
                "HttpPutResponseHopLimit": options.get("httpPutResponseHopLimit", 1),
            },
            TagSpecifications=tagged("instance", given),
        )
        return made["Instances"][0]["InstanceId"]

    def settle(self, account: Account, ident: str, given: dict[str, Any]) -> None:
        account.ec2.modify_instance_attribute(InstanceId=ident, Groups=given["vpcSecurityGroupIds"])
        if machines.wanted(account) and not machines.address(account, ident):
            seen = account.ec2.describe_key_pairs(
                KeyNames=[given["keyName"]], IncludePublicKey=True
            )
            key = seen["KeyPairs"][0]["PublicKey"].strip()
            machines.boot(account, ident, given["userData"], key)

    def look(self, account: Account, ident: str, given: dict[str, Any]) -> dict[str, Any] | None:
        seen = gone(lambda: account.ec2.describe_instances(InstanceIds=[ident]))
        if not seen or not seen["Reservations"]:
            return None
        instance = seen["Reservations"][0]["Instances"][0]
        if instance["State"]["Name"] in _ENDED:
            return None
        address = ""
        if given.get("associatePublicIpAddress"):
            address = machines.address(account, ident) or instance.get("PublicIpAddress", "")
        v6 = [machines.address6(account, ident)] if given.get("ipv6AddressCount") else []
        return {
            "publicIp": address,
            "privateIp": instance.get("PrivateIpAddress", ""),
            "ipv6Addresses": v6,
            "instanceState": instance["State"]["Name"],
            "availabilityZone": instance["Placement"]["AvailabilityZone"],
        }

    def delete(self, account: Account, ident: str, known: dict[str, Any]) -> None:
        gone(lambda: account.ec2.terminate_instances(InstanceIds=[ident]))
        machines.remove(account, ident)


class VolumeAttachment(Kind):
    token = "aws:ec2/volumeAttachment:VolumeAttachment"
    makes_another = frozenset({"instanceId", "volumeId", "deviceName"})
    deleted_first = True

    def create(self, account: Account, name: str, given: dict[str, Any]) -> str:
        volume, instance = given["volumeId"], given["instanceId"]
        seen = account.ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0]
        where = [one["InstanceId"] for one in seen.get("Attachments", [])]
        if where and where != [instance]:
            raise RefusedError(f"VolumeInUse: {volume} is attached to {where[0]}")
        if not where:
            account.ec2.attach_volume(
                Device=given["deviceName"], InstanceId=instance, VolumeId=volume
            )
        machines.attach(account, instance, volume, seen["Size"])
        return f"vai-{volume.removeprefix('vol-')}"

    def look(self, account: Account, ident: str, given: dict[str, Any]) -> dict[str, Any] | None:
        seen = gone(lambda: account.ec2.describe_volumes(VolumeIds=[given["volumeId"]]))
        known = seen["Volumes"][0].get("Attachments", []) if seen else []
        return {} if any(one["InstanceId"] == given["instanceId"] for one in known) else None

    def delete(self, account: Account, ident: str, known: dict[str, Any]) -> None:
        if known.get("stopInstanceBeforeDetaching"):
            gone(lambda: account.ec2.stop_instances(InstanceIds=[known["instanceId"]]))
        gone(
            lambda: account.ec2.detach_volume(
                InstanceId=known["instanceId"], VolumeId=known["volumeId"]
            )
        )


class Eip(Kind):
    """The public address. It is the container's own: what EC2 would translate to."""

    token = "aws:ec2/eip:Eip"

    def create(self, account: Account, name: str, given: dict[str, Any]) -> str:
        address = machines.address(account, given.get("instance", ""))
        wanted = {"Address": address} if address else {}
        made = account.ec2.allocate_address(
            Domain=given.get("domain", "vpc"),
            TagSpecifications=tagged("elastic-ip", given),
            **wanted,
        )
        return made["AllocationId"]

    def settle(self, account: Account, ident: str, given: dict[str, Any]) -> None:
        if given.get("instance"):
            account.ec2.associate_address(
                AllocationId=ident, InstanceId=given["instance"], AllowReassociation=True
            )

    def look(self, account: Account, ident: str, given: dict[str, Any]) -> dict[str, Any] | None:
        seen = gone(lambda: account.ec2.describe_addresses(AllocationIds=[ident]))
        if not seen or not seen["Addresses"]:
            return None
        found = seen["Addresses"][0]
        return {"publicIp": found["PublicIp"], "allocationId": ident}

    def delete(self, account: Account, ident: str, known: dict[str, Any]) -> None:
        seen = gone(lambda: account.ec2.describe_addresses(AllocationIds=[ident]))
        if seen and seen["Addresses"][0].get("AssociationId"):
            account.ec2.disassociate_address(AssociationId=seen["Addresses"][0]["AssociationId"])
        gone(lambda: account.ec2.release_address(AllocationId=ident))
