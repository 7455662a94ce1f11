"""Step: results go on to Elastic or Splunk again, as before the loss; a test event shows it."""

from recovery.counts import things
from recovery.forwarding.expected import expected_forwarding
from recovery.forwarding.send_test import send_test
from recovery.forwarding.turn_on import find_forwarding
from recovery.restore.context import Context
from recovery.restore.hold_forwarding import release_forwarding
from recovery.restore.step import Report


def try_forwarding(context: Context) -> Report:
    """Nothing is done where nothing was forwarded. What is off, or not taken, is a finding.

    Monitoring tables and secrets come back with the state; without it forwarding must be set
    anew: nothing else holds the credentials. What was held for the import is put back whatever
    the point says: one of old exports knows nothing of the server that it is added to.
    """
    released = release_forwarding(context)
    wanted = [
        (org, kind)
        for org, kind in (expected_forwarding(context.manifest) if context.has_point else [])
        if context.wants_org(org)
    ]
    if not wanted and released:
        return Report(f"on again in {things(released, 'org')}, as before the archives")
    if not wanted:
        return Report("nothing was forwarded before the loss", skipped=True)
    api = context.api()
    on = find_forwarding(api)
    there = {(one.org, one.kind.name) for one in on}
    findings = [
        f"{org}: results are not forwarded to {kind.name} any more: `recovery configure "
        f"--forward {kind.name}` sets it again"
        for org, kind in wanted
        if (org, kind.name) not in there
    ]
    arrivals = send_test(api, on)
    findings += [
        f"{one.org}: a test event did not reach {one.kind}: {one.says}; "
        "`recovery configure --forward-test` tries again"
        for one in arrivals
        if not one.arrived
    ]
    arrived = [one for one in arrivals if one.arrived]
    slowest = max((one.seconds for one in arrived), default=0.0)
    return Report(
        f"{len(arrived)} of {len(wanted)} test events were taken by their receivers"
        + (f", within {slowest:g} s" if arrived else ""),
        findings,
    )
