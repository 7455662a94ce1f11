"""The VQL that puts life on a server. Values travel in ``env``; a lost row is an error.

No variable may be called ``Artifact``: it would hide VQL's own name for artifacts.
"""

ORG_CREATE = "SELECT org_create(name=Name, org_id=Id) AS Org FROM scope()"

CLIENT_CONFIGS = "SELECT OrgId, _client_config AS Config FROM orgs()"

ARTIFACT = (
    "SELECT artifact_set(definition=Definition, tags=parse_json_array(data=Tags)).name AS Done "
    "FROM scope()"
)

USER = (
    "SELECT user_create(user=User, roles=parse_json_array(data=Roles), password=Password) AS Done "
    "FROM scope()"
)

GRANT = "SELECT user_grant(user=User, policy=parse_json(data=Policy)) AS Done FROM scope()"

SERVER_METADATA = (
    "SELECT server_set_metadata(metadata=parse_json(data=Metadata)) AS Done FROM scope()"
)

SERVER_MONITORING = (
    "SELECT add_server_monitoring(artifact=Wanted, parameters=parse_json(data=Parameters)) "
    "AS Done FROM scope()"
)

CLIENT_MONITORING = (
    "SELECT add_client_monitoring(artifact=Wanted, parameters=parse_json(data=Parameters), "
    "label=Label) AS Done FROM scope()"
)

CREDENTIALS = (
    "SELECT secret_add(name=Name, type=Type, secret=parse_json(data=Secret)) AS Made, "
    "secret_modify(name=Name, type=Type, add_users=parse_json_array(data=Users)) AS Done "
    "FROM scope()"
)

NOTEBOOK = (
    "SELECT notebook_create(name=Name, description=Description, "
    "collaborators=parse_json_array(data=Users)).notebook_id AS Done FROM scope()"
)

NOTEBOOK_CELL = (
    "SELECT notebook_update_cell(notebook_id=Notebook, type=Type, input=Input) AS Done FROM scope()"
)

HUNT = (
    "SELECT hunt(description=Description, artifacts=Wanted, expires=now() + 864000, "
    "spec=parse_json(data=Spec), timeout=1200, max_rows=5000, tags=parse_json_array(data=Tags), "
    "pause=Paused = 'yes').HuntId AS Done FROM scope()"
)

SEEN = "SELECT client_id, os_info.hostname AS hostname, last_seen_at FROM clients()"

LABEL = (
    "SELECT label(client_id=Client, labels=Labels, op='set') AS Done, "
    "client_set_metadata(client_id=Client, metadata=Metadata) AS Noted "
    "FROM foreach(row=parse_json_array(data=Clients))"
)

COLLECT = (
    "SELECT collect_client(client_id=Client, artifacts=Wanted, env=Env).flow_id AS Done "
    "FROM foreach(row=parse_json_array(data=Flows))"
)

FLOW_STATES = (
    "SELECT * FROM foreach(row={SELECT client_id AS Client FROM clients()}, "
    "query={SELECT Client, session_id AS Flow, state AS State, request.artifacts[0] AS Wanted "
    "FROM flows(client_id=Client)})"
)

CANCEL_FLOW = "SELECT cancel_flow(client_id=Client, flow_id=Flow) AS Done FROM scope()"

HUNT_ADD = "SELECT hunt_add(hunt_id=Hunt, client_id=Client) AS Done FROM scope()"

HUNT_FLOWS = "SELECT ClientId AS Client, FlowId AS Flow FROM hunt_flows(hunt_id=Hunt)"
"""The hunt's flows that the server has assigned so far."""
