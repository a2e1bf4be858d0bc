"""Stage evaluate: opens the seal; figures with intervals, the verdict, the report."""

from dataclasses import asdict

from pydantic.dataclasses import dataclass

from entrypoint import stage
from option_files import ROOT
from outputs import publish
from run_choices import RunChoices
from skiagram.compute.pieces import PieceStore
from skiagram.compute.workers import Compute
from skiagram.evaluation.evaluate import evaluate
from skiagram.evaluation.measured import evaluate_measured
from skiagram.evaluation.options import EvaluationOptions
from skiagram.options import STRICT
from skiagram.records.predictions import COMBINED
from skiagram.report.material import read_material
from skiagram.report.measured_page import write_measured_results
from skiagram.report.write import OUTPUTS, write_results
from skiagram.steps.evaluation_inputs import read_inputs


@dataclass(**STRICT)
class Options(EvaluationOptions):
    """Choices of the stage."""

    choices: RunChoices
    compute: Compute


@stage(Options)
def main(options: Options) -> None:
    """Evaluate only the models named in params.yaml."""
    folders = [ROOT / "scores" / name for name in options.choices.trained]
    folders += [ROOT / COMBINED / "scores" / name for name in options.choices.combined]
    asked = {**asdict(options), "choices": options.choices.seed}
    del asked["compute"]  # no figure depends on it
    inputs = read_inputs(ROOT, folders, asked)
    published = tuple(f"reports/{name}" for name in OUTPUTS)
    if inputs.task.measured is not None:
        measured = evaluate_measured(inputs, options)
        with publish(*published) as staging:
            made = staging / "reports"
            write_measured_results(measured, inputs, ROOT, vars(options.choices), made)
        return
    evaluation = evaluate(
        inputs,
        options,
        seed=options.choices.seed,
        fold_column=options.choices.fold_column,
        compute=options.compute.here,
        work=PieceStore.of_project(ROOT).folder,
    )
    material = read_material(ROOT, inputs, vars(options.choices), evaluation)
    with publish(*published) as staging:
        write_results(evaluation, material, inputs, staging / "reports")


if __name__ == "__main__":
    main()
