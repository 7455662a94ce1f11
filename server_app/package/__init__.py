"""The server's Debian package, with the habits (and traps) of the real `debian server`."""
