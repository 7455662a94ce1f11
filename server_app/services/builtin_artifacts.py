"""The few artifacts that a server brings along: enough to interrogate, collect and watch."""

from server_app.services.forwarding_artifacts import FORWARDING

BUILT_IN = [
    *FORWARDING,
    """
name: Generic.Client.Info
description: Tells the server what it needs to know about a client.
type: CLIENT
sources:
  - name: BasicInformation
    query: |
      SELECT Name, BuildTime, Version, build_url, install_time, Labels, Hostname, OS,
        Architecture, Platform, PlatformVersion, KernelVersion, Fqdn, MACAddresses
      FROM info()
  - name: DetailedInfo
    query: |
      SELECT _key AS Param, _value AS Value FROM items(item={
        SELECT Hostname, Uptime, BootTime, OS, Platform, PlatformFamily, PlatformVersion,
          KernelVersion, VirtualizationSystem, VirtualizationRole, CompilerVersion, HostID, Exe,
          CWD, IsAdmin, ClientStart, LocalTZ, LocalTZOffset, Fqdn, Architecture
        FROM info()
      })
  - name: LinuxInfo
    precondition: SELECT OS FROM info() WHERE OS = "linux"
    query: |
      SELECT Hostname AS `Computer Info`, KernelVersion AS Kernel FROM info()
  - name: WindowsInfo
    precondition: SELECT OS FROM info() WHERE OS = "windows"
    query: |
      SELECT Hostname AS `Computer Info` FROM info()
  - name: Users
    precondition: SELECT OS FROM info() WHERE OS = "windows"
    query: |
      SELECT Hostname FROM info()
""",
    """
name: System.VFS.DownloadFile
description: Fetches one file from a client.
type: CLIENT
parameters:
  - name: Components
    type: json_array
  - name: Path
    default: /
  - name: Accessor
    default: file
  - name: Recursively
    type: bool
    default: "Y"
sources:
  - query: |
      SELECT if(
        condition=Components,
        then=upload(file="/" + join(array=Components, sep="/"), accessor=Accessor)) AS Upload
      FROM scope()
""",
    """
name: Generic.Client.Stats
description: Reports now and then how much a client uses.
type: CLIENT_EVENT
parameters:
  - name: Frequency
    type: int
    default: "10"
sources:
  - query: |
      SELECT Hostname FROM info()
""",
    """
name: Windows.Remediation.QuarantineMonitor
description: Would watch over quarantined endpoints; nothing here quarantines any.
type: CLIENT_EVENT
sources:
  - query: |
      SELECT * FROM scope() WHERE FALSE
""",
    """
name: Server.Monitor.Health
description: Watches the server's own health.
type: SERVER_EVENT
sources:
  - name: Prometheus
    query: |
      SELECT * FROM scope()
""",
    """
name: Server.Monitoring.RSSFeeds
description: Would watch news feeds; the reference server has no way out and reads none.
type: SERVER_EVENT
sources:
  - query: |
      SELECT * FROM scope()
""",
    """
name: Server.Utils.DeleteClient
description: Removes a client and its files.
type: SERVER
parameters:
  - name: ClientIdList
    default: ""
  - name: ReallyDoIt
    type: bool
sources:
  - query: |
      SELECT * FROM client_delete(client_id=ClientIdList, really_do_it=ReallyDoIt)
      WHERE ClientIdList
""",
    """
name: Server.Audit.Logs
description: Who changed what.
type: SERVER_EVENT
sources: []
""",
    """
name: Notebooks.Default
description: The first cells of a new notebook.
type: NOTEBOOK
sources: []
""",
]
