"""What a drill on AWS does besides: the vault's bucket, the loss of all, the account afterwards.

"All is gone" is meant: the instance is terminated, and the state of both stacks is deleted with
its passphrase. The new stacks have other names, on another backend.
"""

import shutil
from fnmatch import fnmatchcase

from recovery.counts import things
from recovery.drill import aws_account
from recovery.drill import name_server as dns
from recovery.drill.aws_double import Cloud
from recovery.drill.course import Course
from recovery.drill.network import Isolated
from recovery.errors import RecoveryError
from recovery.infra.aws.permissions import action_of, actions, policy, vault_policy
from recovery.infra.update import StackRequest, UpResult, destroy, up
from recovery.infra.workspace import CLONE
from recovery.settings import parse_settings
from recovery.verify.run_checks import Check

_VAULT_PROGRAM = CLONE / "recovery" / "infra" / "aws" / "vault_stack"
BALANCERS = "elb.amazonaws.com"
"""The zone in which the drill's load balancer has its name."""
_DATASTORE_GIB = 10


def server_stack(
    course: Course, network: Isolated, source: dict[str, str], *, again: bool = False
) -> StackRequest:
    """The stack of the server; ``again``: another one, which knows nothing of the first.

    That one has a load balancer: the lost server's address record becomes an alias.
    """
    run, cloud = course.run, _cloud(course)
    end = "-new" if again else ""
    settings = {
        "aws:region": cloud.region,
        "machine": "aws",
        "name": run.server_name,
        "folder": str(run.folder / f"ssh{end}"),
        "dns": "route53",
        "dnsZone": run.zone,
        "dnsTtl": str(dns.TTL),
        "awsAdminsFrom": str(network.subnet),
        "awsClientsFrom": str(network.subnet),
        "awsVolumeSize": str(_DATASTORE_GIB),
        "awsEntry": "loadBalancer" if again else "elasticIp",
    }
    return StackRequest(f"{run.prefix}{end}", run.folder / f"stack{end}", {**settings, **source})


def vault_stack(course: Course, *, again: bool = False) -> StackRequest:
    """The stack of the vault's bucket; ``again``: one that takes over the bucket of the first."""
    end = "-new" if again else ""
    cloud = _cloud(course)
    settings = {
        "aws:region": cloud.region,
        "bucket": cloud.bucket,
        "lockDays": "1",
        "adopt": str(again).lower(),
    }
    return StackRequest(
        f"vault{end}", course.run.folder / f"vault-stack{end}", settings, program=_VAULT_PROGRAM
    )


def lose_all(course: Course) -> list[str]:
    """Terminates the instance and deletes both stacks' state; the instances' ids."""
    ended = aws_account.terminate_instances(f"recovery-{course.run.prefix}", _cloud(course).region)
    if not ended:
        raise RecoveryError("the account has no instance of the stack", step="the loss")
    for name in ("stack", "vault-stack", "ssh"):
        shutil.rmtree(course.run.folder / name)
    course.say(f"{', '.join(ended)} is terminated; the state of both stacks is deleted")
    return ended


def prove_stack(course: Course, stack: StackRequest) -> list[Check]:
    """The bucket taken over; another `up` of both that changes nothing; then their end."""
    vault = vault_stack(course, again=True)
    taken = up(vault, course.say)
    checks = [_taken_over(taken)]
    for request in (stack, vault):
        changes = up(request, course.say).changes
        changed = {kind: number for kind, number in changes.items() if kind != "same"}
        words = ", ".join(f"{number} {kind}" for kind, number in changed.items())
        checks.append(
            Check(
                name=f"aws: `pulumi up` of {request.name} again changes nothing",
                outcome="failed" if changed else "passed",
                detail=words or f"{changes.get('same', 0)} unchanged",
            )
        )
    if not course.options.keep:
        checks.append(_end(course, stack, vault))
    return [*checks, _allowed(course, stack)]


def _allowed(course: Course, stack: StackRequest) -> Check:
    """Every call of both stacks' lives is in the policies that `recovery aws policy` prints."""
    cloud = _cloud(course)
    allowed = actions(vault_policy(cloud.bucket))
    # The first stack has an address of its own, the second one a load balancer.
    for entry in ("elasticIp", "loadBalancer"):
        settings = {key: one for key, one in stack.settings.items() if ":" not in key}
        plan = parse_settings({**settings, "awsEntry": entry})
        allowed |= actions(policy(plan, f"recovery-{stack.name}"))
    made = {action_of(call) for call in cloud.calls}
    missing = sorted(one for one in made if not any(fnmatchcase(one, had) for had in allowed))
    return Check(
        name="aws: the printed policies allow every call",
        outcome="failed" if missing or not made else "passed",
        detail=f"not allowed: {', '.join(missing)}" if missing else things(len(made), "action"),
    )


def _taken_over(taken: UpResult) -> Check:
    imported = taken.changes.get("import", 0)
    return Check(
        name="aws: the bucket is taken over by a new stack",
        outcome="passed" if imported else "failed",
        detail=f"{imported} adopted, {things(taken.changes.get('create', 0), 'setting')} put",
    )


def _end(course: Course, stack: StackRequest, vault: StackRequest) -> Check:
    """Both stacks' end; what their tag still shows must be what is protected, and no more."""
    cloud = _cloud(course)
    for request in (stack, vault):
        destroy(request, course.say, keep_protected=True)
    left = aws_account.resources(
        f"recovery-{stack.name}", course.run.server_name, course.run.zone, cloud.region
    )
    volumes = [one for one in left if one.startswith("volume ")]
    others = [one for one in left if one not in volumes]
    good = len(volumes) == 1 and not others
    return Check(
        name="aws: `pulumi destroy` leaves what is protected, and nothing else",
        outcome="passed" if good else "failed",
        detail=f"left: {', '.join(left) or 'nothing'}",
    )


def _cloud(course: Course) -> Cloud:
    if course.cloud is None:
        raise RecoveryError("this drill is not on AWS", step="drill")
    return course.cloud
