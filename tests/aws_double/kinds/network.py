"""VPC, subnet and the ways through them."""

from typing import Any, ClassVar

from aws_double.account import Account
from aws_double.kinds.kind import Kind, gone, tagged


class Vpc(Kind):
    token = "aws:ec2/vpc:Vpc"
    makes_another = frozenset({"cidrBlock"})

    def create(self, account: Account, name: str, given: dict[str, Any]) -> str:
        made = account.ec2.create_vpc(
            CidrBlock=given["cidrBlock"],
            AmazonProvidedIpv6CidrBlock=bool(given.get("assignGeneratedIpv6CidrBlock")),
            TagSpecifications=tagged("vpc", given),
        )
        return made["Vpc"]["VpcId"]

    def settle(self, account: Account, ident: str, given: dict[str, Any]) -> None:
        account.ec2.modify_vpc_attribute(
            VpcId=ident, EnableDnsHostnames={"Value": bool(given.get("enableDnsHostnames"))}
        )

    def look(self, account: Account, ident: str, given: dict[str, Any]) -> dict[str, Any] | None:
        seen = gone(lambda: account.ec2.describe_vpcs(VpcIds=[ident]))
        if seen is None:
            return None
        v6 = [
            one["Ipv6CidrBlock"]
            for one in seen["Vpcs"][0].get("Ipv6CidrBlockAssociationSet", [])
            if one["Ipv6CidrBlockState"]["State"] != "disassociated"
        ]
        return {"ipv6CidrBlock": v6[0] if v6 else ""}

    def delete(self, account: Account, ident: str, known: dict[str, Any]) -> None:
        gone(lambda: account.ec2.delete_vpc(VpcId=ident))


class Subnet(Kind):
    token = "aws:ec2/subnet:Subnet"
    makes_another = frozenset({"cidrBlock", "vpcId", "availabilityZone", "ipv6CidrBlock"})

    def create(self, account: Account, name: str, given: dict[str, Any]) -> str:
        more = {
            "Ipv6CidrBlock": given.get("ipv6CidrBlock"),
            "AvailabilityZone": given.get("availabilityZone"),
        }
        made = account.ec2.create_subnet(
            VpcId=given["vpcId"],
            CidrBlock=given["cidrBlock"],
            TagSpecifications=tagged("subnet", given),
            **{key: value for key, value in more.items() if value},
        )
        return made["Subnet"]["SubnetId"]

    def settle(self, account: Account, ident: str, given: dict[str, Any]) -> None:
        account.ec2.modify_subnet_attribute(
            SubnetId=ident, MapPublicIpOnLaunch={"Value": bool(given.get("mapPublicIpOnLaunch"))}
        )

    def look(self, account: Account, ident: str, given: dict[str, Any]) -> dict[str, Any] | None:
        seen = gone(lambda: account.ec2.describe_subnets(SubnetIds=[ident]))
        return seen and {"availabilityZone": seen["Subnets"][0]["AvailabilityZone"]}

    def delete(self, account: Account, ident: str, known: dict[str, Any]) -> None:
        gone(lambda: account.ec2.delete_subnet(SubnetId=ident))


class InternetGateway(Kind):
    token = "aws:ec2/internetGateway:InternetGateway"

    def create(self, account: Account, name: str, given: dict[str, Any]) -> str:
        made = account.ec2.create_internet_gateway(
            TagSpecifications=tagged("internet-gateway", given)
        )
        return made["InternetGateway"]["InternetGatewayId"]

    def settle(self, account: Account, ident: str, given: dict[str, Any]) -> None:
        if not self._joined(account, ident):
            account.ec2.attach_internet_gateway(InternetGatewayId=ident, VpcId=given["vpcId"])

    def look(self, account: Account, ident: str, given: dict[str, Any]) -> dict[str, Any] | None:
        seen = gone(lambda: account.ec2.describe_internet_gateways(InternetGatewayIds=[ident]))
        return seen and {}

    def delete(self, account: Account, ident: str, known: dict[str, Any]) -> None:
        for vpc in self._joined(account, ident):
            account.ec2.detach_internet_gateway(InternetGatewayId=ident, VpcId=vpc)
        gone(lambda: account.ec2.delete_internet_gateway(InternetGatewayId=ident))

    def _joined(self, account: Account, ident: str) -> list[str]:
        seen = gone(lambda: account.ec2.describe_internet_gateways(InternetGatewayIds=[ident]))
        found = seen["InternetGateways"][0].get("Attachments", []) if seen else []
        return [one["VpcId"] for one in found]


class RouteTable(Kind):
    token = "aws:ec2/routeTable:RouteTable"
    makes_another = frozenset({"vpcId"})

    def create(self, account: Account, name: str, given: dict[str, Any]) -> str:
        made = account.ec2.create_route_table(
            VpcId=given["vpcId"], TagSpecifications=tagged("route-table", given)
        )
        return made["RouteTable"]["RouteTableId"]

    def settle(self, account: Account, ident: str, given: dict[str, Any]) -> None:
        seen = account.ec2.describe_route_tables(RouteTableIds=[ident])["RouteTables"][0]["Routes"]
        there = {
            one.get("DestinationCidrBlock") or one.get("DestinationIpv6CidrBlock") for one in seen
        }
        for route in given.get("routes", []):
            where = {
                "DestinationCidrBlock": route.get("cidrBlock"),
                "DestinationIpv6CidrBlock": route.get("ipv6CidrBlock"),
            }
            where = {key: value for key, value in where.items() if value}
            if not there & set(where.values()):
                account.ec2.create_route(RouteTableId=ident, GatewayId=route["gatewayId"], **where)

    def look(self, account: Account, ident: str, given: dict[str, Any]) -> dict[str, Any] | None:
        seen = gone(lambda: account.ec2.describe_route_tables(RouteTableIds=[ident]))
        return seen and {}

    def delete(self, account: Account, ident: str, known: dict[str, Any]) -> None:
        gone(lambda: account.ec2.delete_route_table(RouteTableId=ident))


class RouteTableAssociation(Kind):
    token = "aws:ec2/routeTableAssociation:RouteTableAssociation"
    makes_another = frozenset({"subnetId", "routeTableId"})

    def create(self, account: Account, name: str, given: dict[str, Any]) -> str:
        made = account.ec2.associate_route_table(
            RouteTableId=given["routeTableId"], SubnetId=given["subnetId"]
        )
        return made["AssociationId"]

    def look(self, account: Account, ident: str, given: dict[str, Any]) -> dict[str, Any] | None:
        seen = gone(
            lambda: account.ec2.describe_route_tables(RouteTableIds=[given["routeTableId"]])
        )
        known = seen["RouteTables"][0]["Associations"] if seen else []
        joined = any(one["RouteTableAssociationId"] == ident for one in known)
        return {} if joined else None

    def delete(self, account: Account, ident: str, known: dict[str, Any]) -> None:
        gone(lambda: account.ec2.disassociate_route_table(AssociationId=ident))


class DefaultSecurityGroup(Kind):
    """Comes with its VPC, is emptied, and goes with it."""

    token = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
    makes_another = frozenset({"vpcId"})

    def create(self, account: Account, name: str, given: dict[str, Any]) -> str:
        filters = [
            {"Name": "vpc-id", "Values": [given["vpcId"]]},
            {"Name": "group-name", "Values": ["default"]},
        ]
        return account.ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]["GroupId"]

    def settle(self, account: Account, ident: str, given: dict[str, Any]) -> None:
        group = account.ec2.describe_security_groups(GroupIds=[ident])["SecurityGroups"][0]
        if group["IpPermissions"]:
            account.ec2.revoke_security_group_ingress(
                GroupId=ident, IpPermissions=group["IpPermissions"]
            )
        if group["IpPermissionsEgress"]:
            account.ec2.revoke_security_group_egress(
                GroupId=ident, IpPermissions=group["IpPermissionsEgress"]
            )

    def look(self, account: Account, ident: str, given: dict[str, Any]) -> dict[str, Any] | None:
        seen = gone(lambda: account.ec2.describe_security_groups(GroupIds=[ident]))
        return seen and {}


class SecurityGroup(Kind):
    token = "aws:ec2/securityGroup:SecurityGroup"
    makes_another = frozenset({"vpcId", "name", "description"})
    named = "name"

    def create(self, account: Account, name: str, given: dict[str, Any]) -> str:
        made = account.ec2.create_security_group(
            GroupName=given["name"],
            Description=given["description"],
            VpcId=given["vpcId"],
            TagSpecifications=tagged("security-group", given),
        )
        return made["GroupId"]

    def settle(self, account: Account, ident: str, given: dict[str, Any]) -> None:
        """AWS lets everything out of a new group; the provider takes that away at its creation."""
        group = account.ec2.describe_security_groups(GroupIds=[ident])["SecurityGroups"][0]
        ours = [one for one in group["IpPermissionsEgress"] if not _described(one)]
        if ours:
            account.ec2.revoke_security_group_egress(GroupId=ident, IpPermissions=ours)

    def look(self, account: Account, ident: str, given: dict[str, Any]) -> dict[str, Any] | None:
        seen = gone(lambda: account.ec2.describe_security_groups(GroupIds=[ident]))
        return seen and {}

    def delete(self, account: Account, ident: str, known: dict[str, Any]) -> None:
        gone(lambda: account.ec2.delete_security_group(GroupId=ident))


def _described(permission: dict[str, Any]) -> bool:
    ranges = [*permission.get("IpRanges", []), *permission.get("Ipv6Ranges", [])]
    return any(one.get("Description") for one in ranges)


class _Rule(Kind):
    makes_another = frozenset({"securityGroupId"})
    way: ClassVar[str]

    def create(self, account: Account, name: str, given: dict[str, Any]) -> str:
        authorize = getattr(account.ec2, f"authorize_security_group_{self.way}")
        text = {"Description": given["description"]} if given.get("description") else {}
        permission: dict[str, Any] = {"IpProtocol": given["ipProtocol"]}
        if "fromPort" in given:
            permission |= {"FromPort": given["fromPort"], "ToPort": given["toPort"]}
        if given.get("cidrIpv4"):
            permission["IpRanges"] = [{"CidrIp": given["cidrIpv4"], **text}]
        if given.get("cidrIpv6"):
            permission["Ipv6Ranges"] = [{"CidrIpv6": given["cidrIpv6"], **text}]
        made = authorize(
            GroupId=given["securityGroupId"],
            IpPermissions=[permission],
            TagSpecifications=tagged("security-group-rule", given),
        )
        return made["SecurityGroupRules"][0]["SecurityGroupRuleId"]

    def look(self, account: Account, ident: str, given: dict[str, Any]) -> dict[str, Any] | None:
        seen = gone(lambda: account.ec2.describe_security_group_rules(SecurityGroupRuleIds=[ident]))
        return {"securityGroupRuleId": ident} if seen and seen["SecurityGroupRules"] else None

    def delete(self, account: Account, ident: str, known: dict[str, Any]) -> None:
        revoke = getattr(account.ec2, f"revoke_security_group_{self.way}")
        gone(lambda: revoke(GroupId=known["securityGroupId"], SecurityGroupRuleIds=[ident]))


class IngressRule(_Rule):
    token = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
    way = "ingress"


class EgressRule(_Rule):
    token = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
    way = "egress"
