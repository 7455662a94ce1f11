"""Reference server and client: a small stand-in for Velociraptor where recovery touches it."""
