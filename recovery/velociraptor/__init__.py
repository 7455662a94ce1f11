"""All that knows Velociraptor: its config and keys, its API, its datastore's layout."""
