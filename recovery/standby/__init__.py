"""A second server, held, that follows the first and takes over from it."""
