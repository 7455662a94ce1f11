"""What a drill would do, for --dry-run. Pure: nothing is touched, nothing asked."""

from recovery.counts import things
from recovery.drill.clients import endpoints
from recovery.drill.options import DrillOptions
from recovery.drill.words import duration


def plan(options: DrillOptions) -> list[str]:
    """The phases in their order, with what each would make."""
    server = options.server_binary or "the embedded reference server"
    root = sum(endpoint.org == "root" for endpoint in endpoints())
    others = len(endpoints()) - root
    strategy = ", ".join(options.strategy)
    network = (
        f"make an isolated Docker network from {options.image}: a name server, "
        f"{things(root, 'endpoint')} of the root org, {others} of another"
    )
    if options.scenario == "fixtures":
        return [
            f"server binary: {server}",
            "make an isolated Docker network, a name server and the fixtures' server package",
            "make a recovery point of the fixtures' backup, flows and hunt",
            f"`pulumi up` by {options.connect}: restore and import them on a new server",
            "kill -9 and restart it; compare what came back; write the report",
            "remove everything again",
        ]
    if options.scenario == "standby":
        return [
            f"server binary: {server}",
            network,
            "`pulumi up` by ssh: a production server, its package, its DNS name",
            "put life on it: artifacts, users, labels, hunts, flows, uploads, notebooks, secrets",
            "`pulumi up` of a second machine, its service held: `recovery standby init`, `sync`",
            "start a copy of the copy in isolation; sync again while the clients work",
            "remove the server's container and its storage with force: the RTO begins",
            "`recovery standby promote`: start, check, switch the name, wait for the clients",
            "kill -9 and restart the server, check and compare with what was acknowledged",
            f"budgets: RTO {duration(options.rto)}, RPO {duration(options.rpo)}",
            "keep the containers" if options.keep else "remove everything again",
        ]
    if options.on == "aws-double":
        return [
            f"server binary: {server}",
            network,
            "start the AWS double: moto, an S3 server, a hosted zone told to the name server",
            "`pulumi up` of the vault's bucket, then of production: instance, volume, DNS record",
            "put life on it: artifacts, users, labels, hunts, flows, uploads, notebooks, secrets",
            "capture a recovery point into the bucket",
            "terminate the instance, delete the state of both stacks: the RTO begins",
            f"`pulumi up` of a new stack on a new backend, strategy {strategy}",
            "wait for the clients, kill -9 and restart the server, check and compare",
            "take over the bucket; `pulumi up` again, `pulumi destroy`, the printed IAM policies",
            f"budgets: RTO {duration(options.rto)}, RPO {duration(options.rpo)}",
            "keep the containers" if options.keep else "remove everything again",
        ]
    return [
        f"server binary: {server}",
        network,
        f"`pulumi up` by {options.connect}: a production server, its package, its DNS name",
        "put life on it: artifacts, users, labels, hunts, flows, uploads, notebooks, secrets",
        "capture a recovery point into a vault folder",
        "remove the server's container and its storage with force: the RTO begins",
        f"`pulumi up` again: another container, strategy {strategy}",
        "wait for the clients, kill -9 and restart the server, check and compare",
        f"budgets: RTO {duration(options.rto)}, RPO {duration(options.rpo)}",
        "keep the containers" if options.keep else "remove everything again",
    ]
