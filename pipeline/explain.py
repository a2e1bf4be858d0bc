"""Stage explain: what the scores of one model rest on, by fits that did not see the cases."""

from project import ROOT  # first, so that the code of this folder runs
from skiagram.projects.stage import StageRun, stage
from skiagram.steps.explain import ExplainOptions, explain_in_project


@stage(ROOT, ExplainOptions)
def main(options: ExplainOptions, run: StageRun) -> None:
    """Explain the chosen model; the folder of one that could not be trained is empty."""
    name = run.members["model"]
    with run.publish(f"reports/explanations/{name}") as folder:
        explain_in_project(ROOT, name, options, folder / f"reports/explanations/{name}")


if __name__ == "__main__":
    main()
