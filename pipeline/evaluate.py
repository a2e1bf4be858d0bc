"""Stage evaluate: opens the seal; figures with intervals, the verdict, the report."""

from dataclasses import asdict

from pydantic.dataclasses import dataclass

from entrypoint import stage
from option_files import ROOT
from outputs import publish
from run_choices import RunChoices
from skiagram.compute.workers import Compute
from skiagram.evaluation.options import EvaluationOptions
from skiagram.options import STRICT
from skiagram.records.predictions import COMBINED
from skiagram.report.write import OUTPUTS, evaluate_run
from skiagram.steps.evaluation_inputs import read_inputs


@dataclass(**STRICT)
class Options(EvaluationOptions):
    """Choices of the stage."""

    choices: RunChoices
    compute: Compute


@stage(Options)
def main(options: Options) -> None:
    """Evaluate only the models named in params.yaml."""
    choices, compute = options.choices, options.compute
    folders = [ROOT / "scores" / name for name in choices.trained]
    folders += [ROOT / COMBINED / "scores" / name for name in choices.combinations]
    asked = {**asdict(options), "choices": choices.seed}
    del asked["compute"]  # no figure depends on it
    inputs = read_inputs(ROOT, folders, asked)
    with publish(*(f"reports/{name}" for name in OUTPUTS)) as staging:
        evaluate_run(ROOT, inputs, options, vars(choices), staging / "reports", compute)


if __name__ == "__main__":
    main()
