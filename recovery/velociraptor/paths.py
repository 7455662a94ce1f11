"""Where a server's package puts its config and its program."""

CONFIG_PATH = "/etc/velociraptor/server.config.yaml"
BINARY_PATH = "/usr/local/bin/velociraptor"
