"""What the audit says, gravest first, and how it ends a run."""

from dataclasses import dataclass

from skiagram.audit.contract import Finding
from skiagram.errors import AuditStop


@dataclass(frozen=True)
class AuditReport:
    """What the audit found.

    Attributes:
        findings: What it met, gravest first.
        checked: Names of everything it looked for.
    """

    findings: tuple[Finding, ...]
    checked: tuple[str, ...]

    @property
    def stopping(self) -> tuple[Finding, ...]:
        """Return the findings that end the run."""
        return tuple(finding for finding in self.findings if finding.stops)

    def explain_stop(self) -> str:
        """Return each stopping finding with its remedy and the YAML that would waive it.

        Every line is ended; nothing is said where nothing stops.
        """
        if not self.stopping:
            return ""
        told = [
            f"{finding.name}: {finding.summary} Do this: {finding.remedy}."
            + (f" For example: {', '.join(finding.examples)}." if finding.examples else "")
            for finding in self.stopping
        ]
        waivers = [f"  {finding.name}: <your reason>" for finding in self.stopping]
        head = ["Or waive it in the data set's option file; the report prints the reason:"]
        return "\n".join([*told, *head, "waived_findings:", *waivers, ""])

    def raise_if_stopping(self) -> None:
        """End the run where a finding demands it.

        Raises:
            AuditStop: Naming the findings that stop.
        """
        if self.stopping:
            raise AuditStop(
                "; ".join(f"{finding.name} ({finding.count})" for finding in self.stopping),
                where="audit",
                remedy="mend the data, or waive the finding with a reason in the data set's "
                "option file",
            )
