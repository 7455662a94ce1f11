"""All that knows Velociraptor: its config and keys, its API, its datastore's layout."""

import os

# Read when gRPC is imported: else each refused handshake is a line of its own on the terminal.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
