"""Stage evaluate: opens the seal; figures with intervals, the verdict, the report."""

from project import ROOT  # first, so that the code of this folder runs
from skiagram.projects.stage import StageRun, stage
from skiagram.report.write import OUTPUTS, evaluate_run
from skiagram.steps.evaluation_inputs import EvaluateOptions, read_run


@stage(ROOT, EvaluateOptions)
def main(options: EvaluateOptions, run: StageRun) -> None:
    """Evaluate only the models named in params.yaml."""
    inputs, choices = read_run(ROOT, options), vars(options.choices)
    with run.publish(*(f"reports/{name}" for name in OUTPUTS)) as folder:
        evaluate_run(ROOT, inputs, options, choices, folder / "reports", options.compute)


if __name__ == "__main__":
    main()
