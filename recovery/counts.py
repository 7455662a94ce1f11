"""How many of what, as a person reads it, the same in every line and report."""


def things(count: int, name: str, many: str = "") -> str:
    """``1 check``, ``3 checks``; ``many`` where the plural has more than an s: ``2 entries``."""
    return f"{count} {name if count == 1 else many or f'{name}s'}"


def items(count: int, item: str) -> str:
    """Of an inventory: ``1 hunt parameter``, ``3 user options``, ``1 client metadata``."""
    name = item_name(item)
    return f"{count} {name.removesuffix('s') if count == 1 else name}"


def item_name(item: str) -> str:
    """An inventory's item in words: ``hunt_parameters`` → ``hunt parameters``."""
    return item.replace("_", " ")
