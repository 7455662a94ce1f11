"""The recovery, from top to bottom: a machine, the server on it, its name, its collections."""

import pulumi

from recovery.infra.machine import Machine
from recovery.infra.point_check import check_before
from recovery.infra.recovery_steps import RecoverySteps, findings, verdict
from recovery.infra.server_name import ServerName, ServerNameArgs
from recovery.infra.stack_settings import read_settings

settings = read_settings()
checked = check_before(settings)
machine = Machine("machine", settings, pulumi.ResourceOptions(depends_on=checked))
steps = RecoverySteps(machine, settings)

pulumi.export("address", machine.address)
pulumi.export("name", settings.name)
pulumi.export("target", machine.target)
if settings.standby:
    pulumi.export("spare", steps.standby().outcomes)
else:
    server = steps.server()
    if settings.import_before_dns:
        collections = steps.collections(server)
        name = ServerName("name", ServerNameArgs(settings, machine, after=[collections]))
    else:
        name = ServerName("name", ServerNameArgs(settings, machine, after=[server]))
        collections = steps.collections(server, name)
    proof = steps.proof(name, collections)

    pulumi.export("recovery_point", server.point)
    outcomes = pulumi.Output.all(server.outcomes, collections.outcomes, proof.outcomes)
    pulumi.export("verdict", outcomes.apply(verdict))
    pulumi.export("findings", outcomes.apply(findings))
    pulumi.export("next", proof.facts.apply(lambda facts: facts.get("next", "")))
    pulumi.export("report", proof.facts.apply(lambda facts: facts.get("report", "")))
