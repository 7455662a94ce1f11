"""Files of a server: names, records, tables, chunks and the client list, byte for byte as real."""
