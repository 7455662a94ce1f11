"""Record layouts of the datastore: field names, wire numbers and types.

One line a record, ``name=number:type``. Types: ``s`` text (default), ``y`` bytes, ``b`` bool,
``u``/``i`` unsigned and signed 64-bit, ``f`` float, an enum or another record's name; ``*`` marks
a list and ``{}`` a map with text keys. The order is the order in which a row shows its columns.
Source: facts, "Datastore layout", and the recorded rows; numbers as on the wire.
"""

ENUMS: dict[str, dict[str, int]] = {
    "HuntState": {
        "UNSET": 0, "PAUSED": 1, "RUNNING": 2, "STOPPED": 3, "ARCHIVED": 4, "DELETED": 5,
    },
    "FlowState": {
        "UNSET": 0, "RUNNING": 1, "FINISHED": 2, "ERROR": 3,
        "IN_PROGRESS": 4, "UNRESPONSIVE": 5, "WAITING": 6,
    },
    "QueryStatus": {"OK": 0, "PROGRESS": 4, "GENERIC_ERROR": 10, "UNKNOWN_FLOW": 11},
    "Compression": {"NONE": 0, "ZLIB": 1},
    "Os": {"ALL": 0, "WINDOWS": 1, "LINUX": 2, "OSX": 3},
}  # fmt: skip

RECORDS = """
Policy: super_user=21:b all_query=1:b any_query=10:b publish_queues=2:s* read_results=3:b \
 label_clients=11:b collect_client=4:b collect_basic=24:b start_hunt=22:b collect_server=5:b \
 artifact_writer=6:b server_artifact_writer=15:b execve=7:b notebook_editor=8:b org_admin=19:b \
 impersonation=20:b server_admin=12:b filesystem_read=13:b filesystem_write=14:b network=25:b \
 machine_state=16:b prepare_results=17:b delete_results=23:b datastore_access=18:b roles=9:s*
Org: name=1 nonce=2 id=3 org_id=4
UserStats: last_active_time=1:i last_ip_address=2
User: name=1 password_hash=2:y password_salt=3:y email=4 picture=5 verified_email=6:b oid=14 \
 read_only=7:b locked=8:b Permissions=9:Policy orgs=11:Org* current_org=12 stats=13:UserStats
Key: pem=1:y enroll_time=2:u
Install: install_time=1:u
ServerState: version=1
ClientInfo: client_id=1 hostname=3 fqdn=4 system=5 release=6 architecture=7 ip_address=10 \
 ping=11:u ping_time=19 client_version=12 client_name=13 first_seen_at=20:u build_time=24 \
 build_url=25 install_time=26:u labels=15:s* mac_addresses=22:s* has_tasks=27:b \
 last_interrogate_flow_id=16 last_interrogate_artifact_name=21 last_hunt_timestamp=17:u \
 last_event_table_version=18:u labels_timestamp=23:u in_flight_flows=28:i{} metadata=29:s{}
MetadataItem: key=1 value=2
Metadata: items=1:MetadataItem* client_id=2
Env: key=1 value=2 comment=3
Query: Name=2 VQL=1
Collector: query_id=32:i total_queries=33:i expiry=34:u precondition=29 principal=28 \
 effective_principal=38 env=3:Env* Query=2:Query* max_row=4:u max_row_buffer_size=37:u \
 max_wait=6:u ops_per_second=24:f cpu_limit=30:f iops_limit=31:f progress_timeout=36:f \
 artifacts=5:Artifact* timeout=25:u heartbeat=27:u tools=26:s* org_id=35
Artifact: name=1 description=2 type=10 raw=7
Parameters: env=3:Env*
Spec: artifact=1 parameters=2:Parameters cpu_limit=10:f max_batch_wait=7:u max_batch_rows=8:u \
 max_batch_rows_buffer=9:u timeout=11:u
Args: creator=1 user_data=30 client_id=3 flow_id=31 urgent=21:b summary=33:b artifacts=2:s* \
 specs=24:Spec* cpu_limit=25:f iops_limit=26:f progress_timeout=27:f timeout=7:u max_rows=22:u \
 max_logs=32:u max_upload_bytes=23:u trace_freq_sec=29:u allow_custom_overrides=8:b \
 log_batch_time=28:u compiled_collector_args=20:Collector* ops_per_second=6:f
QueryStats: status=1:QueryStatus error_message=2 backtrace=3 duration=4:i last_active=14:u \
 first_active=15:u names_with_response=5:s* Artifact=10 log_rows=6:i uploaded_files=11:i \
 uploaded_bytes=12:i expected_uploaded_bytes=13:i result_rows=7:i query_id=8:i \
 total_queries=9:i transactions_outstanding=16:u
UploadedFile: name=1 vfs_path=2 size=3:u stored_size=4:u components=5:s* type=6
LogMessage: id=5:i number_of_rows=6:u jsonl=7
Flow: client_id=27 session_id=13 request=11:Args previous_flows=38:Flow* backtrace=1 \
 create_time=3:u start_time=18:u active_time=17:u inflight_time=36:u total_uploaded_files=23:u \
 total_expected_uploaded_bytes=25:u total_uploaded_bytes=26:u total_collected_rows=28:u \
 total_logs=32:u total_requests=35:i outstanding_requests=31:i transactions_outstanding=37:u \
 next_response_id=30:u execution_duration=29:i state=14:FlowState status=15 \
 artifacts_with_results=22:s* query_stats=34:QueryStats* uploaded_files=24:UploadedFile* \
 user_notified=16:b logs=20:LogMessage* dirty=2:b total_loads=33:u
FlowRequest: VQLClientActions=1:Collector* log_batch_time=2:u flow_update_time=3:u max_rows=4:u \
 max_logs=7:u max_upload_bytes=5:u trace=6:Collector* log_error_regex=8 compression=9:Compression
Task: session_id=1 query_id=37:u request_id=2:u urgent=36:b response_id=3:u source=6 org_id=40 \
 task_id=15:u FlowRequest=42:FlowRequest
Tasks: items=1:Task* client_id=2 flow_id=3
ContainerStats: timestamp=8:u total_uploaded_files=1:u total_uploaded_bytes=2:u \
 total_uncompressed_bytes=3:u total_compressed_bytes=4:u total_container_files=5:u hash=6 \
 total_duration=9:u components=7:s* type=10 error=11 vfs_path=12 \
 active_members=13:ContainerMemberStats*
ContainerMemberStats: name=1 uncompressed_size=2:u compressed_size=3:u
Download: name=1 path=5 type=6 complete=2:b size=3:u date=4 stats=8:ContainerStats
Downloads: files=1:Download*
HuntStats: total_clients_scheduled=9:u total_clients_with_results=14:u \
 total_clients_without_results=16:u total_clients_with_errors=15:u total_uploaded_bytes=18:u \
 total_collected_rows=19:u total_finished_clients=20:u stopped=1:b \
 available_downloads=2:Downloads last_client_table_scan=17:i
HuntLabels: label=1:s*
HuntOs: os=1:Os
HuntCondition: excluded_labels=4:HuntLabels labels=2:HuntLabels os=3:HuntOs
Hunt: hunt_id=1 version=20:i create_time=2:u creator=12 start_time=21:u expires=10:u \
 hunt_description=11 tags=23:s* start_request=16:Args condition=4:HuntCondition client_limit=6:u \
 stats=18:HuntStats artifacts=17:s* artifact_sources=19:s* state=8:HuntState org_ids=22:s*
Uname: system=1 hostname=2 release=3 machine=5 fqdn=7 mac_addresses=11:s*
Agent: version=1 name=2 build_time=3 build_url=4
Client: client_id=1 agent_information=2:Agent os_info=3:Uname first_seen_at=6:u last_seen_at=7:u \
 last_ip=16 last_interrogate_flow_id=19 last_interrogate_artifact_name=21 labels=18:s* \
 last_hunt_timestamp=22:u last_event_table_version=23:u last_label_timestamp=24:u \
 in_flight_flows=25:i{}
NotebookContext: type=1 hunt_id=2 flow_id=3 client_id=4 event_artifact=5 start_time=6:i end_time=7:i
ArtifactParameter: name=1 default=2 description=3 type=4 choices=6:s* friendly_name=5 \
 validating_regex=7 artifact_type=8 sources=9:b
NotebookEnv: key=1 value=2
ColumnType: name=1 type=2 description=3
Suggestion: notebook_id=1 cell_id=2 version=12 input=3 output=14 name=11 type=6
Cell: notebook_id=16 input=1 output=2 summary=17 data=3 cell_id=4 messages=5:s* \
 more_messages=12:b timestamp=6:i duration=10:i type=7 currently_editing=8:b calculating=9:b \
 env=11:NotebookEnv* error=13 current_version=14 available_versions=15:s*
Notebook: name=1 description=2 creator=3 context=16:NotebookContext collaborators=12:s* \
 artifacts=20:s* specs=21:Spec* parameters=22:ArtifactParameter* requests=23:Collector* \
 public=13:b created_time=4:i modified_time=5:i notebook_id=7 cells=6:s* cell_metadata=11:Cell* \
 latest_cell_id=8 hidden=9:b available_downloads=10:Downloads available_uploads=18:Downloads \
 env=14:NotebookEnv* timelines=15:s* column_types=17:ColumnType* suggestions=19:Suggestion*
LabelEvents: label=1 artifacts=2:Args
EventTable: version=1:u artifacts=2:Args label_events=3:LabelEvents*
SecretType: type_name=1 verifier=2 description=5 fields=7:s* template=4:s{} secret_names=3:s* \
 built_in=6:b yaml_fields=8:s*
Secret: name=1 type_name=2 description=5 encrypted_secret=6:y secret=3:s{} users=4:s* orgs=7:s* \
 visible_to_all_orgs=8:b
ArtifactMetadata: hidden=1:b basic=2:b tags=3:s*
Tool: name=1 url=2 github_project=9 github_asset_regex=10 serve_locally=3:b admin_override=7:b \
 expected_hash=15 version=16 materialize=11:b artifact=13 filestore_path=4 serve_url=8 \
 serve_urls=18:s* serve_path=12 filename=5 hash=6 invalid_hash=17 versions=14:Tool*
Tools: tools=1:Tool* version=2:u
ArtifactMetadataTable: metadata=1:ArtifactMetadata{}
"""
