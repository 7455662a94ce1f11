"""Functions and plugins of the language itself, which need no server."""
