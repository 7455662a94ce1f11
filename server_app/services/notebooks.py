"""Notebooks of an org: ``notebooks/<N>.json.db``, their cells in ``notebooks/<N>/``."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from server_app.datastore import ids, records, tables
from server_app.services import notebook_cells
from server_app.services.errors import ServiceError

if TYPE_CHECKING:
    from server_app.services.org import OrgServices

Records = list[records.Record]
Strings = list[str]

_TEMPLATE = "Notebooks.Default"
_SUGGESTION = {"input": "SELECT * FROM info()\n", "name": "This machine", "type": "vql"}
_FIRST_CELL = "# A new notebook\n\nWrite markdown here, or add a cell with a query.\n"


_CELL_TYPES = frozenset({"", "vql", "markdown", "md", "artifact"})


class Notebooks:
    """The notebooks of an org, in memory; cells are read from disk."""

    def __init__(self, org: OrgServices) -> None:
        self._org = org
        self._lock = threading.RLock()
        self._known: dict[str, records.Record] = {}

    def load(self) -> None:
        found = {}
        for name in self._org.store.record_names("notebooks"):
            notebook = self._org.store.load("Notebook", "notebooks", name)
            if notebook and notebook.get("notebook_id") and not notebook.get("hidden"):
                found[notebook["notebook_id"]] = notebook
        with self._lock:
            self._known = found

    def all(self) -> Records:
        """Records by id, as a backup holds them."""
        with self._lock:
            return [dict(self._known[key]) for key in sorted(self._known)]

    def cell(self, notebook_id: str, cell_id: str, version: str) -> records.Record | None:
        """A cell with its content, None if its file is missing."""
        place = ("notebooks", notebook_id, f"{cell_id}-{version}" if version else cell_id)
        try:
            found = self._org.store.load("Cell", *place)
        except ValueError:
            return None
        return {**found, "notebook_id": notebook_id} if found else None

    def put(self, notebook: records.Record) -> None:
        """Stores a notebook's record and stamps it."""
        notebook = records.compact("Notebook", {**notebook, "modified_time": int(time.time())})
        try:
            self._org.store.save("Notebook", notebook, "notebooks", notebook["notebook_id"])
        except (OSError, ValueError) as error:
            raise ServiceError(str(error)) from error
        with self._lock:
            self._known[notebook["notebook_id"]] = notebook

    def put_cell(self, cell: records.Record) -> None:
        """Stores a cell, and its summary in the notebook. Raises ServiceError."""
        notebook_id = cell["notebook_id"]
        name = f"{cell['cell_id']}-{cell.get('current_version', '')}".rstrip("-")
        try:
            self._org.store.save("Cell", cell, "notebooks", notebook_id, name)
        except (OSError, ValueError) as error:
            raise ServiceError(str(error)) from error
        with self._lock:
            notebook = dict(self._required(notebook_id))
            summary = notebook_cells.summary(cell)
            cells = list(notebook.get("cell_metadata", []))
            places = [i for i, old in enumerate(cells) if old["cell_id"] == cell["cell_id"]]
            if places:
                cells[places[0]] = summary
            else:
                cells.append(summary)
            self.put({**notebook, "cell_metadata": cells})

    def _required(self, notebook_id: str) -> records.Record:
        with self._lock:
            found = self._known.get(notebook_id)
        if found is None:
            raise ServiceError(f"While opening /notebooks/{notebook_id}.json.db: NotFoundError")
        return found

    # -- what queries see

    def list(self, principal: str, all: bool = False) -> Iterator[dict[str, Any]]:  # noqa: A002
        """Rows of notebooks(), newest first; without `all` those the user may see."""
        for notebook in reversed(self.all()):
            allowed = {notebook.get("creator"), *notebook.get("collaborators", [])}
            if all or notebook.get("public") or principal in allowed:
                yield records.full("Notebook", notebook)

    def get(self, notebook_id: str, verbose: bool = False) -> dict[str, Any]:
        """notebook_get(): the record with its cells' content."""
        del verbose
        return self._with_cells(dict(self._required(notebook_id)))

    def _with_cells(self, notebook: records.Record) -> records.Record:
        cells = []
        for summary in notebook.get("cell_metadata", []):
            version = summary.get("current_version", "")
            found = self.cell(notebook["notebook_id"], summary["cell_id"], version)
            cells.append(records.compact("Cell", found or summary))
        return {**notebook, "cell_metadata": cells}

    def create(
        self,
        *,
        name: str,
        description: str = "",
        collaborators: Strings | None = None,
        public: bool = False,
        artifacts: Strings | None = None,
        env: dict[str, Any] | None = None,
        principal: str,
    ) -> dict[str, Any]:
        """notebook_create(): a notebook with one first cell."""
        now = int(time.time())
        template = (artifacts or [_TEMPLATE])[0]
        notebook = {
            "name": name,
            "description": description,
            "creator": principal,
            "collaborators": list(collaborators or []),
            "public": public,
            "artifacts": list(artifacts or [_TEMPLATE]),
            "parameters": [
                {
                    "name": "ArtifactName",
                    "default": template,
                    "description": "Name of the artifact this notebook came from.",
                }
            ],
            "requests": [
                {
                    "query_id": 1,
                    "total_queries": 1,
                    "env": [
                        {"key": "ArtifactName", "value": template},
                        {"key": "ColumnTypes", "value": "{}"},
                    ],
                    "Query": [{"VQL": "LET ColumnTypes <= parse_json(data=ColumnTypes)"}],
                    "max_row": 1000,
                }
            ],
            "env": [{"key": k, "value": str(v)} for k, v in (env or {}).items()],
            "created_time": now,
            "notebook_id": ids.notebook(),
            "suggestions": [_SUGGESTION],
        }
        self.put(notebook)
        # As seen on a real server: it is said when the notebook is already there.
        for artifact in artifacts or []:
            if self._org.artifacts.get(artifact) is None:
                raise ServiceError(f"Artifact not found: {artifact}: NotFoundError")
        first = {"type": "markdown", "input": _FIRST_CELL}
        self._calculate(str(notebook["notebook_id"]), first, principal, latest=False)
        self._org.audit("CreateNotebook", principal, notebook_id=notebook["notebook_id"])
        return self.get(str(notebook["notebook_id"]))

    def update(
        self,
        notebook_id: str,
        *,
        description: str | None = None,
        collaborators: Strings | None = None,
        public: bool | None = None,
        principal: str,
    ) -> dict[str, Any]:
        """notebook_update(): only what is given changes."""
        given = {"description": description, "collaborators": collaborators, "public": public}
        changed = {key: value for key, value in given.items() if value is not None}
        self.put({**self._required(notebook_id), **changed})
        self._org.audit("UpdateNotebook", principal, notebook_id=notebook_id)
        return self.get(notebook_id)

    def update_cell(
        self,
        notebook_id: str,
        *,
        cell_id: str = "",
        delete: bool = False,
        type: str = "",  # noqa: A002
        input: str = "",  # noqa: A002
        output: str = "",
        principal: str,
    ) -> dict[str, Any]:
        """notebook_update_cell(): adds, changes or removes a cell, and calculates it."""
        notebook = self._required(notebook_id)
        if delete:
            kept = [c for c in notebook.get("cell_metadata", []) if c["cell_id"] != cell_id]
            self.put({**notebook, "cell_metadata": kept})
        else:
            known = {c.get("cell_id") for c in notebook.get("cell_metadata", [])}
            if cell_id and cell_id not in known:
                raise ServiceError("CellID Not found")
            if type.lower() not in _CELL_TYPES:
                raise ServiceError(
                    "InlineError: While rendering notebook cell: Unsupported cell type."
                )
            given = {"cell_id": cell_id, "type": type, "input": input, "output": output}
            self._calculate(notebook_id, given, principal)
        self._org.audit("UpdateNotebookCell", principal, notebook_id=notebook_id)
        return self.get(notebook_id)

    def _calculate(
        self, notebook_id: str, given: dict[str, str], principal: str, latest: bool = True
    ) -> None:
        version = ids.new()
        cell = {
            "notebook_id": notebook_id,
            "input": given["input"],
            "cell_id": given.get("cell_id") or ids.cell(),
            "type": given["type"].lower() or "markdown",
            "timestamp": time.time_ns(),
            "data": "{}",
            "current_version": version,
            "available_versions": [version],
        }
        made, rows, logs = notebook_cells.calculate(self._org, cell, principal)
        cell["output"] = given.get("output") or made
        if logs:
            cell["messages"] = [row["message"] + "\n" for row in logs]
        folder = ("notebooks", notebook_id, f"{cell['cell_id']}-{version}")
        for number, table in enumerate(rows, start=1):
            path = self._org.store.path(*folder, f"query_{number}", suffix=".json")
            tables.replace(path, table)
        tables.replace(self._org.store.path(*folder, "logs", suffix=".json"), logs)
        self.put_cell(cell)
        if latest:
            self.put({**self._required(notebook_id), "latest_cell_id": cell["cell_id"]})

    def delete(self, notebook_id: str, really_do_it: bool) -> Iterator[dict[str, Any]]:
        """Rows of notebook_delete(): the files, removed if really asked for."""
        for path in self._org.store.below("notebooks", notebook_id):
            kind = "Notebook" if path.name.endswith(".db") else "Filestore"
            shown = self._org.store.shown(path)
            yield {"notebook_id": notebook_id, "type": kind, "vfs_path": shown}
        if really_do_it:
            self._org.store.remove("notebooks", notebook_id)
            self._org.store.remove_tree("notebooks", notebook_id)
            with self._lock:
                self._known.pop(notebook_id, None)

    def cell_rows(self, notebook_id: str, cell_id: str, table: int = 1) -> Iterator[dict[str, Any]]:
        """Rows that a query cell returned."""
        for summary in self._required(notebook_id).get("cell_metadata", []):
            if summary["cell_id"] == cell_id.partition("-")[0]:
                name = f"{summary['cell_id']}-{summary.get('current_version', '')}"
                place = ("notebooks", notebook_id, name, f"query_{table}")
                yield from tables.read(self._org.store.path(*place, suffix=".json"))
