"""Settings of each section of a config, and their kinds (as in a real 0.77.2; no kind: text)."""

FIELDS = """\
Version: name description version commit build_time install_time:uint64 ci_build_url compiler
  system architecture
FlowCheckPoint: flow_id path
Writeback: install_time:uint64 private_key client_id hunt_last_timestamp:uint64
  last_server_serial_number:uint64 last_server_pem event_queries:proto.VQLEventTable
  checkpoints:[]FlowCheckPoint
InitialOrgRecord: org_id name nonce
WindowsInstallerConfig: service_name install_path service_description
DarwinInstallerConfig: service_name install_path
RingBufferConfig: memory_size:uint64 disk_size:uint64 filename_linux filename_windows
  filename_darwin
ClientConfig: labels:[]string server_urls:[]string proxy proxy_config:ProxyConfig ca_certificate
  nonce writeback_darwin writeback_linux writeback_windows level2_writeback_suffix tempdir_linux
  tempdir_windows tempdir_darwin min_poll:uint64 max_poll:uint64 max_poll_std:uint64
  ws_ping_wait_sec:uint64 nanny_max_connection_delay:uint64
  windows_installer:WindowsInstallerConfig darwin_installer:DarwinInstallerConfig
  prevent_execve:bool version:Version server_version:Version default_max_wait:uint64
  use_self_signed_ssl:bool pinned_server_name max_upload_size:uint64
  local_buffer:RingBufferConfig max_memory_hard_limit:uint64 concurrency:uint64
  connection_timeout:uint64 Crypto:CryptoConfig disable_compression:bool
  default_server_flow_stats_update:uint64 client_info_update_time:int64
  fallback_addresses:map[string]string dns_cache_refresh_min:uint64 disable_checkpoints:bool
  additional_event_artifacts:[]string logfile_name logfile_size:uint64 panic_file
  insecure_network_trace_file low_resource_max_cpu:uint64 low_resource_cpu_count:uint64
  Logging:LoggingConfig
APIConfig: hostname bind_address bind_port:uint32 bind_scheme pinned_gw_name
ApiClientConfig: ca_certificate client_cert client_private_key api_connection_string name
  pinned_server_name max_grpc_recv_size:uint64
ProxyConfig: https http proxy_url_regexp:map[string]string pac ignore_environment:bool
GUILink: text url icon_url type new_tab:bool encode parameter method disabled:bool
OIDCACL: roles:[]string permissions:[]string
OIDCClaims: username roles role_map:map[string]OIDCACL allow_unverified_email:bool
  override_acls:bool
Authenticator: type oidc_issuer oidc_name oidc_auth_url_params:map[string]string avatar
  oauth_client_id oauth_client_secret claims:OIDCClaims oidc_debug:bool
  disable_email_to_sub_pin:bool tenant saml_certificate saml_private_key saml_idp_metadata_url
  saml_root_url saml_user_attribute saml_user_roles:[]string saml_allow_idp_initiated:bool
  sub_authenticators:[]Authenticator auth_redirect_template
  default_roles_for_unknown_user:[]string default_session_expiry_min:uint64
GUIConfig: bind_address bind_port:uint32 allowed_cidr:[]string forwarded_proxy_header
  use_plain_http:bool base_path gw_certificate gw_private_key public_url
  reverse_proxy:[]ReverseProxyConfig links:[]GUILink initial_users:[]GUIUser
  initial_orgs:[]InitialOrgRecord authenticator:Authenticator artifact_search_filter
  trusted_origins:[]string
GUIUser: name password_hash password_salt
CAConfig: private_key
ReverseProxyConfig: route url require_auth:bool
DynDNSConfig: type ddns_username ddns_password ddns_hostname update_url frequency:uint64
  checkip_url dns_server api_token zone_name
FrontendResourceControl: connections_per_second:uint64 notifications_per_second:uint64
  enrollments_per_second:int64 concurrency:uint64 target_heap_size:uint64
  concurrency_timeout:uint64 max_upload_size:uint64 expected_clients:int64
  per_client_upload_rate:int64 global_upload_rate:int64 client_event_max_wait:uint64
  minion_batch_wait_time_ms:uint64 index_snapshot_frequency:uint64 client_info_lru_ttl:uint64
  client_info_sync_time:uint64 client_info_write_time:uint64 max_journal_buffer_size:int64
  default_log_batch_time:uint64 default_monitoring_log_batch_time:uint64
  disable_file_buffering:bool
FrontendConfig: hostname bind_address bind_port:uint32 base_path use_plain_http:bool
  require_client_certificates:bool proxy proxy_config:ProxyConfig certificate private_key
  tls_certificate_filename tls_private_key_filename dns_name do_not_compress_artifacts:bool
  dyn_dns:DynDNSConfig proxy_header default_client_monitoring_artifacts:[]string
  default_server_monitoring_artifacts:[]string initial_server_artifacts:[]string run_as_user
  GRPC_pool_max_size:int64 GRPC_pool_max_wait:int64 resources:FrontendResourceControl
  is_minion:bool concurrency:uint64 max_upload_size:uint64 expected_clients:int64
  per_client_upload_rate:int64 global_upload_rate:int64 client_event_max_wait:uint64
  artifact_definitions_directory collection_error_regex do_not_redirect:bool
DatastoreConfig: implementation location filestore_directory compression
  min_allowed_file_space_mb:int64 disk_check_frequency_sec:int64 max_dir_size:uint64
  max_object_size:uint64 memcache_expiration_sec:uint64 memcache_write_mutation_buffer:int64
  memcache_write_mutation_writers:int64 memcache_write_max_memory:int64
  memcache_write_mutation_min_age:int64 memcache_write_mutation_max_age:int64
  memcache_datastore_max_size:int64 memcache_datastore_max_item_size:int64
  memcache_datastore_max_dir_size:int64 remote_datastore_rpc_deadline:int64 minion_implementation
  master_implementation
MinionConfig: notebook_number_of_local_workers:int64 notebook_worker_priority:int64
MailConfig: from server server_port:uint64 auth_username auth_password skip_verify:bool
LoggingRetentionConfig: rotation_time:uint64 max_age:uint64 disabled:bool
LoggingConfig: output_directory separate_logs_per_component:bool rotation_time:uint64
  max_age:uint64 debug:LoggingRetentionConfig info:LoggingRetentionConfig
  error:LoggingRetentionConfig remote_syslog_server remote_syslog_protocol
  remote_syslog_components:[]string
MonitoringConfig: bind_address bind_port:uint32 metrics_url
AutoExecConfig: argv:[]string artifact_definitions:[]proto1.Artifact
ServerServicesConfig: hunt_manager:bool hunt_dispatcher:bool stats_collector:bool
  server_monitoring:bool server_artifacts:bool dyn_dns:bool interrogation:bool
  sanity_checker:bool vfs_service:bool user_manager:bool client_monitoring:bool
  monitoring_service:bool api_server:bool frontend_server:bool gui_server:bool index_server:bool
  journal_service:bool replication_service:bool notification_service:bool repository_manager:bool
  test_repository_manager:bool inventory_service:bool client_info:bool label:bool launcher:bool
  notebook_service:bool scheduler_service:bool backup_service:bool http_communicator:bool
  client_event_table:bool
Defaults: hunt_expiry_hours:int64 hunt_dispatcher_refresh_sec:int64
  hunt_dispatcher_refresh_rate:uint64 notebook_default_new_cell_rows:int64
  notebook_cell_timeout_min:int64 notebook_memory_low_water_mark:uint64
  notebook_memory_high_water_mark:uint64 notebook_wait_time_for_worker_ms:int64
  notebook_number_of_local_workers:int64 notebook_worker_priority:int64 notebook_versions:int64
  csv_delimiter event_max_wait:uint64 event_max_wait_jitter:uint64
  event_change_notify_all_clients:bool max_vfs_directory_size:uint64
  artifact_definitions_directories:[]string max_in_memory_group_by:uint64
  acl_lru_timeout_sec:uint64 unauthenticated_lru_timeout_sec:int64 max_sparse_expand_size:uint64
  disable_server_events:bool auth_redirect_template disable_quarantine_button:bool default_theme
  max_rows:uint64 max_logs:uint64 max_row_buffer_size:uint64 max_batch_wait:uint64
  export_concurrency:int64 export_max_timeout_sec:int64 watch_plugin_frequency:int64
  watch_plugin_buffer_size:int64 backup_period_seconds:int64
  client_info_housekeeping_period:int64 disable_unicode_usernames:bool
  reindex_period_seconds:int64 indexed_client_metadata:[]string
  disable_active_inflight_checks:bool inflight_check_time:int64 write_internal_events:bool
  allowed_plugins:[]string allowed_functions:[]string allowed_accessors:[]string
  denied_plugins:[]string denied_functions:[]string denied_accessors:[]string
  lockdown_denied_permissions:[]string certificate_validity_days:int64
  disable_inventory_service_external_access:bool
CryptoConfig: root_certs certificate_thumbprints:[]string certificate_verification_mode
  allow_weak_tls_server:bool client_certificate client_certificate_private_key
MountPoint: accessor prefix path_type
RemappingConfig: type description scope from:MountPoint on:MountPoint permissions:[]string os
  hostname env:[]proto.VQLEnv disabled_functions:[]string disabled_plugins:[]string
Security: allowed_file_accessor_prefix:[]string denied_file_accessor_prefix:[]string
  allowed_fs_accessor_prefix:[]string denied_fs_accessor_prefix:[]string allowed_plugins:[]string
  allowed_functions:[]string allowed_accessors:[]string denied_plugins:[]string
  denied_functions:[]string denied_accessors:[]string lockdown_denied_permissions:[]string
  certificate_validity_days:int64 disable_inventory_service_external_access:bool secrets_dek
  vql_must_use_secrets:bool shadowed_env_vars:[]string allow_ancient_clients:bool
Config: version:Version Client:ClientConfig API:APIConfig GUI:GUIConfig CA:CAConfig
  Frontend:FrontendConfig ExtraFrontends:[]FrontendConfig Datastore:DatastoreConfig
  Writeback:Writeback Mail:MailConfig Logging:LoggingConfig Minion:MinionConfig verbose:bool
  autocert_cert_cache Monitoring:MonitoringConfig api_config:ApiClientConfig
  autoexec:AutoExecConfig server_type obfuscation_nonce defaults:Defaults analysis_target
  remappings:[]RemappingConfig org_id org_name debug_mode:bool services:ServerServicesConfig
  security:Security lockdown:bool
"""
