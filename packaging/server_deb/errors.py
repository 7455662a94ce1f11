"""The one error of this package: what failed, where, and what to do next."""

from __future__ import annotations

BAD_INPUT = 64
FAILED = 2


class PackageError(Exception):
    """A package could not be built or read. Nothing was written.

    `what` is the sentence that failed, `where` the file, setting or command it is about, `hint`
    the operator's next step. `exit_code` is 64 for bad input and 2 for everything else
    (design.md, "Errors").
    """

    def __init__(self, what: str, *, where: str, hint: str, exit_code: int = BAD_INPUT) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint
        self.exit_code = exit_code

    def __str__(self) -> str:
        return f"{self.what}\n  where: {self.where}\n  next:  {self.hint}"
