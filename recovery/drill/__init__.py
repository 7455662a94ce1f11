"""The rehearsal: a server is made, lived on, captured, lost and rebuilt; the result is a report.

Everything that recovers is in other rooms and the same as in a disaster. Here is only what a
drill adds: an isolated network, a name server, clients, life, the loss, clocks and the report.
"""
