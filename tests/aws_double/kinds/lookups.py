"""The SDK's functions that the program calls."""

from typing import Any

from aws_double.account import Account
from aws_double.kinds.kind import RefusedError


def image(account: Account, given: dict[str, Any]) -> dict[str, Any]:
    """``aws.ec2.get_ami``: the newest image of these owners that fits the filters."""
    found = account.ec2.describe_images(
        Owners=given["owners"],
        Filters=[{"Name": one["name"], "Values": one["values"]} for one in given["filters"]],
    )["Images"]
    if not found:
        raise RefusedError("invoking aws:ec2/getAmi:getAmi: Your query returned no results")
    if len(found) > 1 and not given.get("mostRecent"):
        raise RefusedError(
            "invoking aws:ec2/getAmi:getAmi: Your query returned more than one result"
        )
    newest = max(found, key=lambda one: one["CreationDate"])
    return {
        **given,
        "id": newest["ImageId"],
        "imageId": newest["ImageId"],
        "name": newest["Name"],
        "architecture": newest["Architecture"],
        "creationDate": newest["CreationDate"],
        "ownerId": newest["OwnerId"],
    }


def subnet(account: Account, given: dict[str, Any]) -> dict[str, Any]:
    """``aws.ec2.get_subnet``, by its id and VPC."""
    filters = [{"Name": "vpc-id", "Values": [given["vpcId"]]}] if given.get("vpcId") else []
    found = account.ec2.describe_subnets(SubnetIds=[given["id"]], Filters=filters)["Subnets"]
    if not found:
        raise RefusedError("invoking aws:ec2/getSubnet:getSubnet: no matching EC2 Subnet found")
    one = found[0]
    return {
        "id": one["SubnetId"],
        "vpcId": one["VpcId"],
        "availabilityZone": one["AvailabilityZone"],
        "cidrBlock": one["CidrBlock"],
    }


def zones(account: Account, given: dict[str, Any]) -> dict[str, Any]:
    """``aws.get_availability_zones``."""
    state = given.get("state", "available")
    filters = [{"Name": "state", "Values": [state]}]
    wanted = given.get("filters") or []
    filters += [{"Name": one["name"], "Values": one["values"]} for one in wanted]
    found = account.ec2.describe_availability_zones(Filters=filters)["AvailabilityZones"]
    return {
        **given,
        "id": account.places.region,
        "names": [one["ZoneName"] for one in found],
        "zoneIds": [one["ZoneId"] for one in found],
        "groupNames": [account.places.region],
        "region": account.places.region,
    }


def hosted_zone(account: Account, given: dict[str, Any]) -> dict[str, Any]:
    """``aws.route53.get_zone``, by its id or its name; its name server is the drill's."""
    private = bool(given.get("privateZone"))
    found = [
        one
        for one in account.client("route53").list_hosted_zones()["HostedZones"]
        if _is_it(one, given) and one["Config"]["PrivateZone"] is private
    ]
    if len(found) != 1:
        count = "no matching" if not found else "multiple"
        raise RefusedError(
            f"invoking aws:route53/getZone:getZone: {count} Route 53 Hosted Zone found"
        )
    ident = found[0]["Id"].removeprefix("/hostedzone/")
    seen = account.client("route53").get_hosted_zone(Id=ident)
    asked = account.places.dns
    servers = [asked["server"]] if asked else seen["DelegationSet"]["NameServers"]
    return {
        "id": ident,
        "zoneId": ident,
        "name": found[0]["Name"].rstrip("."),
        "privateZone": private,
        "nameServers": servers,
        "primaryNameServer": servers[0],
    }


def _is_it(zone: dict[str, Any], given: dict[str, Any]) -> bool:
    if given.get("zoneId"):
        return zone["Id"].removeprefix("/hostedzone/") == given["zoneId"]
    return zone["Name"].rstrip(".") == given["name"].rstrip(".")
