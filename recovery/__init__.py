"""Lost Velociraptor server in, working server out. The map of the rooms is in README.md."""

__version__ = "0.1.0"
