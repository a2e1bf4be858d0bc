"""No tracker: the receipt alone."""

from pathlib import Path

from pydantic.dataclasses import dataclass

from skiagram.options import STRICT
from skiagram.tracking.contract import Execution


@dataclass(**STRICT)
class NoTracking:
    """Records nothing."""

    def record(self, execution: Execution, home: Path) -> str:
        """Record nothing."""
        return "Nothing recorded: tracking is off."
