"""The two artifacts by which a server sends flows on, under their real names and parameters."""

_DOCUMENTS = """
      LET completions = SELECT * FROM watch_monitoring(artifact="System.Flow.Completion")
        WHERE Flow.artifacts_with_results =~ ArtifactNameRegex
      LET organization <= org().name
      LET documents = SELECT * FROM foreach(row=completions, query={
        SELECT * FROM foreach(row=Flow.artifacts_with_results, query={
          SELECT *, _value AS Artifact, timestamp(epoch=now()) AS timestamp, ClientId,
            Flow.session_id AS FlowId, %s
          FROM source(client_id=ClientId, flow_id=Flow.session_id, artifact=_value)
        })
      })
"""
_INDEX = '"artifact_" + regex_replace(source=_value, re="[/.]", replace="_")'

FORWARDING = [
    f"""
name: Elastic.Flows.Upload
description: Sends the results of every collection that ends to Elastic.
type: SERVER_EVENT
parameters:
  - name: ArtifactNameRegex
    default: .
    type: regex
  - name: elasticAddresses
    default: http://127.0.0.1:9200/
  - name: Username
  - name: Password
  - name: APIKey
  - name: DisableSSLSecurity
    type: bool
  - name: Threads
    type: int
  - name: ChunkSize
    type: int
  - name: CloudID
  - name: RootCA
sources:
  - query: |
{_DOCUMENTS % (_INDEX + " AS _index, organization AS Organization")}
      SELECT * FROM elastic_upload(query=documents, threads=Threads, chunk_size=ChunkSize,
        addresses=split(string=elasticAddresses, sep=","), index="velociraptor",
        password=Password, username=Username, cloud_id=CloudID, api_key=APIKey, root_ca=RootCA,
        disable_ssl_security=DisableSSLSecurity, type="artifact")
""",
    f"""
name: Splunk.Flows.Upload
description: Sends the results of every collection that ends to Splunk's HTTP event collector.
type: SERVER_EVENT
parameters:
  - name: ArtifactNameRegex
    default: .
    type: regex
  - name: url
    default: http://127.0.0.1:8088/services/collector
  - name: token
  - name: index
    default: velociraptor
  - name: SkipVerify
    type: bool
  - name: RootCerts
  - name: HostnameField
    default: ClientId
  - name: TimestampField
    default: timestamp
sources:
  - query: |
{_DOCUMENTS % (_INDEX + " AS src_artifact, organization AS org_name")}
      SELECT * FROM splunk_upload(query=documents, url=url, token=token, index=index,
        skip_verify=SkipVerify, root_ca=RootCerts, hostname_field=HostnameField,
        timestamp_field=TimestampField)
""",
]
"""Appended to the server's built-in artifacts."""
