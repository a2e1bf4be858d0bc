"""`skiagram package`: a trained model as one file."""

import argparse
from pathlib import Path

from skiagram.cli.file_arguments import require_new
from skiagram.deploy.card import OWN_CODE
from skiagram.deploy.package import SUFFIX, opened_folder, pack
from skiagram.deploy.prediction import check_target
from skiagram.errors import refusal


def run(arguments: argparse.Namespace) -> int:
    """Write the package and say what it lacks, or MLflow's form of the model; return 0."""
    # One of the two forms, not both.
    if arguments.output is None and arguments.mlflow is None:
        named = f"{arguments.model.name or 'model'}{SUFFIX}"
        raise refusal("cli.not_given", "--output", meaning=f"`-o {named}`")
    if arguments.output is not None and arguments.mlflow is not None:
        raise refusal("cli.given_together", "--mlflow", other="--output")
    # MLflow's form
    if arguments.mlflow is not None:
        from skiagram.tracking.mlflow_store import save_pyfunc

        target: Path = arguments.mlflow
        require_new(target, "--mlflow")
        with opened_folder(arguments.model) as folder:
            save_pyfunc(folder, target)
        print(f"Wrote {target}. Next: mlflow models serve -m {target} --env-manager local")
        return 0
    # The package of this program.
    output: Path = arguments.output
    if output.suffix != SUFFIX:
        raise refusal("cli.package_name", name=output.name, ending=SUFFIX)
    check_target(output, (), replace=arguments.force)
    manifest = pack(arguments.model, output, project=arguments.project, intended=arguments.use)
    print(f"Wrote {output}: {manifest.title}, {len(manifest.sha256)} files.")
    sections = {section.title: section for section in manifest.card}
    if OWN_CODE in sections:
        print(*sections[OWN_CODE].lines)
    if "Figures" not in sections or not sections["Figures"].table:
        print("Its card has no figures: no reports/evaluation.json of this model beside it.")
    return 0
