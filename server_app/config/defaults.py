"""The config that `config generate` starts from (keys as in the recorded server.config.yaml)."""

from __future__ import annotations

from typing import Any

from server_app.config.identity import BUILD

WEEK = 7 * 24 * 3600
YEAR = 365 * 24 * 3600
MEBI = 1024 * 1024


def default_config() -> dict[str, Any]:
    """A server config without key material; sections and keys in the order of a real one."""
    return {
        "version": dict(BUILD),
        "Client": _client(),
        "API": {"bind_address": "127.0.0.1", "bind_port": 8001, "bind_scheme": "tcp"},
        "GUI": {
            "bind_address": "127.0.0.1",
            "bind_port": 8889,
            "gw_certificate": "",
            "gw_private_key": "",
            "public_url": "https://localhost:8889/app/index.html",
            "authenticator": {"type": "Basic"},
        },
        "CA": {},
        "Frontend": _frontend(),
        "Datastore": {
            "implementation": "FileBaseDataStore",
            "location": "/var/tmp/velociraptor/",  # noqa: S108 - the real default, meant to be merged over
            "filestore_directory": "/var/tmp/velociraptor/",  # noqa: S108
            "compression": "zlib",
        },
        "Logging": {
            "separate_logs_per_component": True,
            "debug": {"disabled": True},
            "info": {"rotation_time": WEEK, "max_age": YEAR},
            "error": {"rotation_time": WEEK, "max_age": YEAR},
        },
        "Monitoring": {"bind_address": "127.0.0.1", "bind_port": 8003},
        "api_config": {},
        "obfuscation_nonce": "",
        "defaults": {"hunt_expiry_hours": 168, "notebook_cell_timeout_min": 10},
        "security": {},
    }


def _client() -> dict[str, Any]:
    programs = "$ProgramFiles\\Velociraptor\\"
    return {
        "server_urls": ["https://localhost:8000/"],
        "ca_certificate": "",
        "nonce": "",
        "writeback_darwin": "/etc/velociraptor.writeback.yaml",
        "writeback_linux": "/etc/velociraptor.writeback.yaml",
        "writeback_windows": programs + "velociraptor.writeback.yaml",
        "level2_writeback_suffix": ".bak",
        "tempdir_windows": programs + "Tools",
        "max_poll": 60,
        "nanny_max_connection_delay": 600,
        "windows_installer": {
            "service_name": "Velociraptor",
            "install_path": programs + "Velociraptor.exe",
            "service_description": "Velociraptor service",
        },
        "darwin_installer": {
            "service_name": "com.velocidex.velociraptor",
            "install_path": "/usr/local/bin/velociraptor",
        },
        "server_version": {key: BUILD[key] for key in ("version", "commit", "build_time")},
        "max_upload_size": 5 * MEBI,
        "local_buffer": {
            "memory_size": 50 * MEBI,
            "disk_size": 1024 * MEBI,
            "filename_linux": "/var/tmp/Velociraptor_Buffer.bin",  # noqa: S108
            "filename_windows": "$TEMP/Velociraptor_Buffer.bin",
            "filename_darwin": "/var/tmp/Velociraptor_Buffer.bin",  # noqa: S108
        },
    }


def _frontend() -> dict[str, Any]:
    return {
        "hostname": "localhost",
        "bind_address": "0.0.0.0",  # noqa: S104 - clients come from everywhere
        "bind_port": 8000,
        "certificate": "",
        "private_key": "",
        "dyn_dns": {},
        "default_client_monitoring_artifacts": ["Generic.Client.Stats"],
        "GRPC_pool_max_size": 100,
        "GRPC_pool_max_wait": 60,
        "resources": {
            "connections_per_second": 100,
            "notifications_per_second": 30,
            "max_upload_size": 100 * MEBI,
            "expected_clients": 30000,
        },
    }
