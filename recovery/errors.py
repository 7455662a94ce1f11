"""The one family of errors: what failed, where, and what the operator does next.

Exit codes (docs/runbook.md lists them for the operator):
0 recovered and verified; 1 recovered, but checks or counts fall short;
2 could not recover; 64 bad input, nothing was changed.
"""

EXIT_OK = 0
EXIT_FINDINGS = 1
EXIT_FAILED = 2
EXIT_BAD_INPUT = 64


class RecoveryError(Exception):
    """A step failed.

    ``step`` says what was being done, ``target`` where (a host, a file, a URI),
    ``hint`` what the operator does next. ``message`` is one calm sentence.
    """

    exit_code = EXIT_FAILED

    def __init__(self, message: str, *, step: str = "", target: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.step = step
        self.target = target
        self.hint = hint
        self.so_far = ""
        """What is untouched, or done and stays, where whoever called the step knows it."""

    def __str__(self) -> str:
        where = ": ".join(part for part in (self.step, self.target) if part)
        text = f"{where}: {self.message}" if where else self.message
        text = f"{text}\n  so far: {self.so_far}" if self.so_far else text
        return f"{text}\n  next: {self.hint}" if self.hint else text

    def as_dict(self) -> dict[str, str]:
        """The error as the JSON report and ``--json`` show it."""
        return {
            "message": self.message,
            "step": self.step,
            "target": self.target,
            "hint": self.hint,
        }


class BadInputError(RecoveryError):
    """What was given can't be used; refused before anything was changed."""

    exit_code = EXIT_BAD_INPUT


class CommandError(RecoveryError):
    """A command ended with a failure or did not end in time."""


class TargetError(RecoveryError):
    """The target could not be reached, or refused what was asked of it."""


class ServerError(RecoveryError):
    """The Velociraptor server answered a query with an error, or not at all."""


class VaultError(RecoveryError):
    """The vault could not be read or written, or holds something that can't be trusted."""


class UntrustedError(VaultError):
    """What the vault holds isn't what was put in: damaged, cut off, swapped, rolled back.

    Refused before anything was changed; so is what the given key or passphrase doesn't open.
    """

    exit_code = EXIT_BAD_INPUT


class NoPointError(VaultError):
    """The vault has no such recovery point, or none at all; nothing was changed."""

    exit_code = EXIT_BAD_INPUT
