"""Numbers as a person reads them, the same on the terminal and on the page."""

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_EXACT = 10


def duration(seconds: float | None) -> str:
    """``0.4 s``, ``47 s``, ``3 min 20 s``, ``2 h 5 min``, ``1 d 2 h``; a dash for none."""
    if seconds is None:
        return "–"
    if seconds < _EXACT:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for unit, small, big_name, small_name in (
        (_DAY, _HOUR, "d", "h"),
        (_HOUR, _MINUTE, "h", "min"),
        (_MINUTE, 1, "min", "s"),
    ):
        if whole >= unit:
            big, rest = divmod(whole, unit)
            little = rest // small
            return f"{big} {big_name} {little} {small_name}" if little else f"{big} {big_name}"
    return f"{seconds:.1f} s"
