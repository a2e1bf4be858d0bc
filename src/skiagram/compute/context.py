"""What a run works with besides its data and its options: the machine, the store, the notices.

It is made once, where a stage or a row of a sweep begins, and handed on whole.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from skiagram.compute.pieces import PieceStore
from skiagram.compute.workers import IN_PROCESS, Compute


@dataclass(frozen=True)
class RunContext:
    """What a run works with; without arguments it takes one processor and keeps nothing.

    Attributes:
        compute: How much of the machine it may use.
        store: Where finished work of earlier runs is found and new work is kept; None for nowhere.
        say: Called with notices for people.
        alone: Whether this process runs alone, not as one of several that train one network.
        is_last: Called at the end; tells whether this process removes what the others needed.
    """

    compute: Compute = IN_PROCESS
    store: PieceStore | None = None
    say: Callable[[str], None] = lambda _: None
    alone: bool = True
    is_last: Callable[[], bool] = lambda: True

    def require_store(self) -> PieceStore:
        """Return the store.

        Raises:
            ValueError: This run keeps nothing.
        """
        if self.store is None:
            raise ValueError("this step needs a run that has a store")
        return self.store

    @classmethod
    def of_project(cls, root: Path, compute: Compute) -> "RunContext":
        """Make the context of a stage of a project: its store, and notices that are printed."""
        return cls(compute, PieceStore.of_project(root), print)


NOTHING_KEPT = RunContext()
