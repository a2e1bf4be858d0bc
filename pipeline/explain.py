"""Stage explain: what the scores of one model rest on, by fits that did not see the cases."""

from project import ROOT  # first, so that the code of this folder runs
from skiagram.compute.context import RunContext
from skiagram.fitting.arm import ArmFolders
from skiagram.preparation import PreparedData
from skiagram.projects.stage import StageRun, stage
from skiagram.steps.explain import ExplainOptions, explain_model


@stage(ROOT, ExplainOptions)
def main(options: ExplainOptions, run: StageRun) -> None:
    """Explain the chosen model; the folder of one that could not be trained is empty."""
    name = run.members["model"]
    prepared, trained = PreparedData.under(ROOT / "data"), ArmFolders.under(ROOT, name)
    context, output = RunContext.of_project(ROOT, options.compute), f"reports/explanations/{name}"
    with run.publish(output) as folder:
        explain_model(name, options, prepared, trained, folder / output, context)


if __name__ == "__main__":
    main()
