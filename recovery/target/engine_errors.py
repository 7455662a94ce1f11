"""What goes wrong with a Docker engine, as the operator's errors."""

from collections.abc import Iterator
from contextlib import contextmanager

import docker.errors
from requests.exceptions import RequestException

from recovery.errors import BadInputError, TargetError


@contextmanager
def engine_errors(target: str, *, image: str, refused: str, step: str = "") -> Iterator[None]:
    """The SDK's errors as ours: what is missing, and what makes it.

    ``target`` is what was worked on; ``image`` and ``refused`` are the hints when an image isn't
    there and when the engine refuses. Raises :class:`BadInputError` for a missing image, and
    :class:`TargetError` for all else.
    """
    try:
        yield
    except docker.errors.ImageNotFound as missing:
        raise BadInputError(
            f"the engine has no such image: {missing.explanation}",
            step=step,
            target=target,
            hint=image,
        ) from missing
    except docker.errors.APIError as error:
        raise TargetError(
            f"the Docker engine refused: {error.explanation or error}",
            step=step,
            target=target,
            hint=refused,
        ) from error
    except (docker.errors.DockerException, RequestException) as silent:
        raise TargetError(
            "the Docker engine doesn't answer",
            step=step,
            target=target,
            hint="is it running? `docker info` tells; `make setup` starts one",
        ) from silent
