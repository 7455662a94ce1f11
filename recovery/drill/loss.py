"""The loss: the server's container and its storage are gone, and its address is a stranger's."""

from dataclasses import dataclass
from datetime import UTC, datetime

from recovery.drill import engine
from recovery.drill.names import Run
from recovery.drill.network import Isolated
from recovery.errors import RecoveryError


@dataclass(frozen=True)
class Loss:
    """When, and what was lost."""

    at: datetime
    container: str
    address: str


def prepare_stranger(run: Run, network: Isolated, image: str, address: str) -> str:
    """Creates the container that will take over the lost server's address.

    As in a real loss, whoever goes on asking the old address gets no Velociraptor.
    """
    spec = engine.Spec("stranger", image, ["sleep", "infinity"], network.name, address=address)
    return engine.create(run, spec)


def lose(container: str, address: str, stranger: str) -> Loss:
    """Removes the container with force, and its datastore's volume; there is no way back.

    Raises :class:`RecoveryError` if anything of it is still there afterwards.
    """
    at = datetime.now(UTC)
    engine.kill(container)
    engine.remove_volumes(f"{container}-")
    if left := [*engine.containers_named(container), *engine.volumes_named(f"{container}-")]:
        raise RecoveryError(f"still there after the loss: {', '.join(left)}", step="the loss")
    engine.start(stranger)
    return Loss(at, container, address)
