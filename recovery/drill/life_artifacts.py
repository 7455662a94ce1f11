"""The artifacts that the drill's server is given, as an organisation writes its own."""

GREETING = "Custom.Drill.Greeting"
FETCH = "Custom.Drill.Fetch"
ORG_ONLY = "Custom.Drill.OrgOnly"
EXAMINATION = "Generic.Client.Info"
"""A server's own: what it collects from a client that has just enrolled."""

GREETING_TEXT = """\
name: Custom.Drill.Greeting
description: |
   One row that repeats its parameter: a hunt that lost its parameters shows it at once.
type: CLIENT
parameters:
  - name: Greeting
    default: the default
sources:
  - query: |
      SELECT Greeting, OS FROM info()
"""

FETCH_TEXT = """\
name: Custom.Drill.Fetch
description: |
   Uploads one file of the endpoint.
type: CLIENT
parameters:
  - name: Path
sources:
  - query: |
      SELECT upload(file=Path, accessor="file") AS Upload FROM scope()
"""

ORG_ONLY_TEXT = """\
name: Custom.Drill.OrgOnly
description: |
   An artifact that only one org has.
type: CLIENT
parameters:
  - name: Greeting
    default: the org's default
sources:
  - query: |
      SELECT Greeting, OS FROM info()
"""
