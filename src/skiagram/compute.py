"""How much of the machine a stage may use."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass
from threadpoolctl import threadpool_limits

from skiagram.options import STRICT


@dataclass(**STRICT)
class Compute:
    """Threads of one process; network weights repeat bit for bit at an equal count only.

    Attributes:
        threads: Threads for linear algebra and networks.
    """

    threads: Annotated[int, Field(ge=1)]

    @contextmanager
    def limit(self) -> Iterator[None]:
        """Hold linear algebra to the chosen number of threads."""
        with threadpool_limits(self.threads):
            yield
