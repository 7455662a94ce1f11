"""Records and health checks of Route 53; each record is told to the real name server as well."""

from typing import Any

from aws_double import names
from aws_double.account import Account
from aws_double.kinds.kind import Kind, RefusedError, gone, tags


class Record(Kind):
    token = "aws:route53/record:Record"
    makes_another = frozenset({"zoneId", "name", "type"})

    def create(self, account: Account, name: str, given: dict[str, Any]) -> str:
        there = _find(account, given["zoneId"], given["name"], given["type"])
        if there and not given.get("allowOverwrite"):
            raise RefusedError(
                f"InvalidChangeBatch: Tried to create resource record set "
                f"[name='{given['name']}', type='{given['type']}'] but it already exists"
            )
        self._put(account, given)
        return f"{given['zoneId']}_{given['name']}_{given['type']}"

    def settle(self, account: Account, ident: str, given: dict[str, Any]) -> None:
        there = _find(account, given["zoneId"], given["name"], given["type"])
        if there is None or _values(there) != _values(_wanted(given)):
            self._put(account, given)
        names.tell(account, given["zoneId"], given["name"])

    def look(self, account: Account, ident: str, given: dict[str, Any]) -> dict[str, Any] | None:
        there = _find(account, given["zoneId"], given["name"], given["type"])
        if there is None:
            return None
        found: dict[str, Any] = {"fqdn": given["name"]}
        if there.get("ResourceRecords"):
            found |= {
                "records": [one["Value"] for one in there["ResourceRecords"]],
                "ttl": there["TTL"],
            }
        return found

    def delete(self, account: Account, ident: str, known: dict[str, Any]) -> None:
        there = _find(account, known["zoneId"], known["name"], known["type"])
        if there is not None:
            _change(account, known["zoneId"], "DELETE", there)
        names.tell(account, known["zoneId"], known["name"])

    def _put(self, account: Account, given: dict[str, Any]) -> None:
        action = "UPSERT" if given.get("allowOverwrite") else "CREATE"
        _change(account, given["zoneId"], action, _wanted(given))


def _wanted(given: dict[str, Any]) -> dict[str, Any]:
    wanted: dict[str, Any] = {"Name": given["name"], "Type": given["type"]}
    if given.get("aliases"):
        (alias,) = given["aliases"]
        wanted["AliasTarget"] = {
            "HostedZoneId": alias["zoneId"],
            "DNSName": alias["name"],
            "EvaluateTargetHealth": alias["evaluateTargetHealth"],
        }
        return wanted
    wanted |= {"TTL": given["ttl"], "ResourceRecords": [{"Value": v} for v in given["records"]]}
    if given.get("healthCheckId"):
        wanted["HealthCheckId"] = given["healthCheckId"]
    return wanted


def _values(record: dict[str, Any]) -> tuple[Any, ...]:
    alias = record.get("AliasTarget", {}).get("DNSName", "").rstrip(".")
    return alias, record.get("TTL"), [one["Value"] for one in record.get("ResourceRecords", [])]


def _find(account: Account, zone: str, name: str, kind: str) -> dict[str, Any] | None:
    seen = account.client("route53").list_resource_record_sets(
        HostedZoneId=zone, StartRecordName=name, StartRecordType=kind, MaxItems="10"
    )
    for one in seen["ResourceRecordSets"]:
        if one["Name"].rstrip(".") == name.rstrip(".") and one["Type"] == kind:
            return one
    return None


def _change(account: Account, zone: str, action: str, record: dict[str, Any]) -> None:
    account.client("route53").change_resource_record_sets(
        HostedZoneId=zone,
        ChangeBatch={"Changes": [{"Action": action, "ResourceRecordSet": record}]},
    )


class HealthCheck(Kind):
    token = "aws:route53/healthCheck:HealthCheck"
    makes_another = frozenset({"type", "requestInterval"})

    def create(self, account: Account, name: str, given: dict[str, Any]) -> str:
        config = {
            "Type": given["type"],
            "Port": given.get("port"),
            "IPAddress": given.get("ipAddress"),
            "FullyQualifiedDomainName": given.get("fqdn"),
            "RequestInterval": given.get("requestInterval"),
            "FailureThreshold": given.get("failureThreshold"),
        }
        made = account.client("route53").create_health_check(
            CallerReference=name + "-" + str(len(tags(given))) + account.folder.name,
            HealthCheckConfig={key: one for key, one in config.items() if one is not None},
        )
        return made["HealthCheck"]["Id"]

    def settle(self, account: Account, ident: str, given: dict[str, Any]) -> None:
        account.client("route53").change_tags_for_resource(
            ResourceType="healthcheck", ResourceId=ident, AddTags=tags(given)
        )

    def look(self, account: Account, ident: str, given: dict[str, Any]) -> dict[str, Any] | None:
        seen = gone(lambda: account.client("route53").get_health_check(HealthCheckId=ident))
        return seen and {}

    def delete(self, account: Account, ident: str, known: dict[str, Any]) -> None:
        gone(lambda: account.client("route53").delete_health_check(HealthCheckId=ident))
