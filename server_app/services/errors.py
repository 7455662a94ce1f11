"""What a service cannot do; the text is what a server logs."""


class ServiceError(Exception):
    """A request was refused or failed; nothing half-done is left."""


class OrgNotFound(ServiceError):  # noqa: N818  the seam's name
    """No such org."""

    def __init__(self) -> None:
        super().__init__("Org not found")


def denied(permission: str) -> str:
    """What a lack of rights reads like."""
    return f"PermissionDenied: Permission denied: [{permission}]"


class DatastoreError(ServiceError):
    """The datastore refuses to write (disk full)."""
