"""The one error of setup."""


class SetupError(Exception):
    """A part could not be set up.

    `what` says what failed and where, `hint` what to do next.
    """

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
