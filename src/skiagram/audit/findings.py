"""What an audit found: a record that later stages read, without the checks that make it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Severity = Literal["note", "warning", "stop"]
PAIR = " and "  # between the two cases of an example that is a pair


@dataclass(frozen=True)
class Finding:
    """One thing that a reader of the figures must know.

    Attributes:
        waived: Reason why it does not stop the run; empty where not waived.
    """

    name: str
    severity: Severity
    count: int
    summary: str
    remedy: str = ""
    examples: tuple[str, ...] = ()
    waived: str = ""

    @property
    def stops(self) -> bool:
        """Tell whether the run must end."""
        return self.severity == "stop" and not self.waived

    @property
    def warns(self) -> bool:
        """Tell whether every reader is told: it was met, and warns or would have stopped."""
        return self.count > 0 and (self.severity == "warning" or bool(self.waived))


@dataclass(frozen=True)
class AuditReport:
    """What the audit found."""

    findings: tuple[Finding, ...]
    checked: tuple[str, ...]

    @property
    def stopping(self) -> tuple[Finding, ...]:
        """List the findings that end the run."""
        return tuple(finding for finding in self.findings if finding.stops)

    def explain_stop(
        self, file_of: Mapping[str, str], options: str = "the config of the data set"
    ) -> str:
        """Explain each stopping finding with its remedy and the YAML that would waive it.

        Every line is ended; nothing is said where nothing stops.

        Args:
            file_of: Case id → its file, where the user has the table; empty for none.
        """
        # Each stopping finding with some examples, in names of files where they are known.
        if not self.stopping:
            return ""
        explanations = []
        for finding in self.stopping:
            explanation = f"{finding.name}: {finding.summary} Do this: {finding.remedy}."
            pairs = [
                PAIR.join(file_of.get(case, case) for case in example.split(PAIR))
                for example in finding.examples
            ]
            if pairs:
                explanation += f" For example: {'; '.join(pairs)}."
            explanations.append(explanation)
        # The lines that would waive them.
        waivers = [f"  {finding.name}: <your reason>" for finding in self.stopping]
        head = [f"Or waive it in {options}; the report shows the reason:"]
        return "\n".join([*explanations, *head, "waived_findings:", *waivers, ""])
