"""Complete copies of a datastore, by restic: the repository, its secrets, the calls."""
