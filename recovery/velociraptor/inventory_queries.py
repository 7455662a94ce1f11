"""The VQL that an inventory asks, one statement an item and org, whatever the number of clients.

Only columns that a server has are named: a missing one is an ERROR line, and thereby an
exception (facts: API). Plugins and shapes are those of the recorded calls.
"""

ORGS = "SELECT Name, OrgId FROM orgs()"

ORG = "SELECT org() AS Org FROM scope()"

CLIENTS = (
    "SELECT client_id, os_info.hostname AS hostname, os_info.system AS system, labels "
    "FROM clients()"
)

CLIENT_METADATA = (
    "SELECT client_id, client_metadata(client_id=client_id) AS metadata FROM clients()"
)

SETTINGS = (
    "SELECT server_metadata() AS metadata, get_client_monitoring() AS client_monitoring, "
    "get_server_monitoring() AS server_monitoring FROM scope()"
)

ARTIFACTS = (
    "SELECT name, type, raw, built_in, is_inherited, metadata FROM artifact_definitions() "
    "WHERE NOT built_in OR metadata.tags OR metadata.hidden OR metadata.basic"
)

NAMED_ARTIFACTS = (
    "SELECT name, type, raw, built_in, is_inherited, metadata "
    "FROM artifact_definitions(names=parse_json_array(data=Names))"
)
"""``Names`` in ``env``: a JSON list, not empty. The others are not compiled for it, which takes
a server that was just started several seconds."""

HUNTS = (
    "SELECT * FROM foreach(row={SELECT hunt_id AS HuntId FROM hunts()}, "
    "query={SELECT hunt_id, hunt_description, expires, tags, condition, start_request "
    "FROM hunts(hunt_id=HuntId)})"
)

HUNT_FLOWS = (
    "SELECT * FROM foreach(row={SELECT hunt_id AS Hunt FROM hunts()}, "
    "query={SELECT HuntId, ClientId, FlowId FROM hunt_flows(hunt_id=Hunt, basic_info=TRUE)})"
)

FLOWS = (
    "SELECT * FROM foreach(row={SELECT client_id AS Client FROM clients()}, "
    "query={SELECT Client, session_id, state, artifacts_with_results, total_collected_rows, "
    "total_uploaded_files FROM flows(client_id=Client, summary=TRUE)})"
)

SERVER_FLOWS = (
    'SELECT "server" AS Client, session_id, state, artifacts_with_results, '
    'total_collected_rows, total_uploaded_files FROM flows(client_id="server", summary=TRUE)'
)

UPLOADS = (
    "SELECT * FROM foreach(row=parse_json_array(data=Flows), "
    "query={SELECT Client, Flow, vfs_path, get(field='Type') AS Type, uploaded_size "
    "FROM uploads(client_id=Client, flow_id=Flow)})"
)
"""``Flows`` in ``env``: a JSON list of ``{"Client", "Flow"}``, only flows that have uploads.
Rows of the server's own collections have no ``Type`` (seen on 0.77.2)."""

NOTEBOOKS = (
    "SELECT notebook_id, name, description, collaborators, public, "
    "notebook_get(notebook_id=notebook_id).cell_metadata AS cells FROM notebooks(all=TRUE)"
)

TOOLS = "SELECT * FROM inventory() WHERE admin_override OR hash"
"""Those that somebody set, or that were fetched: the others every server defines by itself."""

SECRETS = "SELECT type_name, secrets FROM secrets() WHERE secrets"
