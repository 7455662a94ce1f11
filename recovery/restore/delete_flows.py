"""Flows that are there in part, taken away; and the lists of flows that a server loses with them.

``delete_flow(sync=TRUE)`` leaves a client's list of flows **empty** (seen on 0.77.2: it is read
while it is being overwritten). A server that lists an empty one makes it anew from the flows'
records; one that is written to before that keeps what was written since, and nothing else of the
client is listed. So every client's list is asked for before anything is imported.
"""

import json
import time
from collections.abc import Collection

from recovery.restore.context import Context

_DELETE = """
SELECT * FROM foreach(row=parse_json_array(data=Flows), query={
  SELECT Client, Flow
  FROM delete_flow(client_id=Client, flow_id=Flow, really_do_it=TRUE, sync=TRUE)
})
"""
_LIST = """
SELECT * FROM foreach(row=parse_json_array(data=Clients), workers=2, query={
  SELECT Client FROM flows(client_id=Client, summary=TRUE) LIMIT 1
})
"""
_PAUSE = 1.1
"""Seconds: a server makes a list anew once a second at most (read in its source)."""
_TRIES = 3
Place = tuple[str, str]
"""(client, flow)."""


def delete_flows(
    context: Context, org: str, places: Collection[Place], clients: Collection[str] = ()
) -> None:
    """Takes flows away, so that they can be imported whole, and has their clients' lists made.

    ``clients``: others whose lists a run that was cut off may have left empty.
    """
    if places:
        flows = [{"Client": client, "Flow": flow} for client, flow in sorted(places)]
        context.api().ask(_DELETE, env={"Flows": json.dumps(flows)}, org=org, timeout=3600)
    silent = {client for client, _ in places} | set(clients)
    for attempt in range(_TRIES):
        if not silent:
            return
        if attempt:
            time.sleep(_PAUSE)
        env = {"Clients": json.dumps([{"Client": client} for client in sorted(silent)])}
        rows = context.api().ask(_LIST, env=env, org=org, timeout=3600).rows
        silent -= {row["Client"] for row in rows}  # the rest has no flow, or was asked too soon
