"""The JSON Schema of the report: `python -m recovery.drill.schema > docs/report.schema.json`."""

import json
import sys

from recovery.drill.report import Report

_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schema_text() -> str:
    """The schema as it stands in docs/, made from the report itself."""
    schema = Report.model_json_schema(mode="serialization")
    return json.dumps({"$schema": _DRAFT, **schema}, indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
