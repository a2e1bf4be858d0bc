"""Options as Hydra composes them: params.yaml chooses, the configs of `conf` hold the values.

The file of a stage, `conf/<stage>.yaml`, lists the groups that the stage reads; which member of a
group it reads, params.yaml says. All choices stand beside the options as `params`, and a config may
refer to one of them: `${params.seed}`. Nothing else in a config is evaluated: what
users call their classes, columns and files is text.

Whoever needs options asks here: stages, sweeps, validations, the digests of stages and the tracker.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skiagram.declared import read_declared
from skiagram.errors import OptionError, listed, nearest, refusal, suggest
from skiagram.options import (
    CLASS_OF_GROUP,
    PARAMS,
    allow_own_code,
    flatten_options,
    list_options,
    merge_options,
    no_such_option,
    read_option_file,
    resolve,
    set_option,
    split_names,
    with_choices,
)

if TYPE_CHECKING:
    from omegaconf import DictConfig

GROUPS = {  # choice of params.yaml → group of the configs that it names
    **{name: name for name in ("dataset", "restoration", "proposal", "features", "trainer")},
    **dict.fromkeys(("baselines", "networks"), "model"),
    **{"compute": "compute", "tracking": "tracking", "encoders": "encoder"},
    **{"combinations": "combination", "sweeps": "sweep"},
}
_APART = ("model", "combination", "sweep")  # groups of which each member is a stage of its own
CHOSEN_BY = {  # group of which a stage reads what params.yaml names → that choice
    group: choice for choice, group in GROUPS.items() if group not in _APART
}
SEVERAL = {  # group of which a run takes several members → where each has its options, by name
    "combination": "combinations",
    "encoder": "encoders",
    "features": "features",
}
_OF_PREPARED_DATA = ("dataset", "restoration", "proposal", "features", "encoders")
_BEFORE_DATA = ("digest", "record")  # stages that take no prepared data
_OF_HYDRA = ("defaults", "hydra")  # what a stage's file says beside options
_IN_PLACE = {"run": {"dir": "."}, "output_subdir": None, "job": {"chdir": False}}
_CHOICES = ("experiment", "debug")  # groups whose files change choices: `+experiment=NAME`


@dataclass(frozen=True)
class Composition:
    """The options of a project.

    Attributes:
        root: The project's folder, which holds params.yaml and `conf`.
        changes: Option → value in place of what the files have. A choice of params.yaml has its own
            name, an option of a file `conf.<group>.<file>.` or `conf.<stage>.` before it.
    """

    root: Path
    changes: Mapping[str, Any] = field(default_factory=dict)
    _files: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        allow_own_code(self.root)

    @cached_property
    def choices(self) -> dict[str, Any]:
        """The choices of params.yaml.

        Raises:
            OptionError: A change names a choice that is not there.
        """
        values = read_option_file(self.root / PARAMS, PARAMS)
        changed = {k: v for k, v in self.changes.items() if not k.startswith("conf.")}
        for name in sorted(changed.keys() - values.keys()):
            raise refusal("base.no_such_choice", name, choices=values)
        return values | changed

    def compose_stage(
        self, stage: str, members: Mapping[str, list[str]] | None = None
    ) -> dict[str, Any]:
        """Return the options of a stage: what Hydra composes where words name members alone.

        Hydra takes a tenth of a second for each, and these follow from the files by themselves.

        Args:
            members: Group → those of its members that the stage takes in place of params.yaml's.

        Raises:
            OptionError: A file or an option is missing or cannot be read.
        """
        chosen = self.list_members(stage) | dict(members or {})
        entries = self._list_defaults(stage)
        options: dict[str, Any] = {}
        # Files in the order of the stage's defaults, of which later ones take the places.
        for entry in entries if "_self_" in entries else ["_self_", *entries]:
            if isinstance(entry, dict):
                for group in (each for each in entry if each in chosen):
                    for name in chosen[group] if group in SEVERAL else chosen[group][:1]:
                        merge_options(options, self._place_member(group, name, stage))
            elif entry != "params":  # which stands beside the options
                values = self._read(f"conf/{stage if entry == '_self_' else entry}.yaml")
                own = {name: value for name, value in values.items() if name not in _OF_HYDRA}
                merge_options(options, own)
        options = with_choices(options, self.choices)
        # Changes of the stage's own file and of those that it takes along.
        for file in (stage, *(entry for entry in entries if isinstance(entry, str))):
            prefix = f"conf.{file}."
            for name, value in self.changes.items():
                if name.startswith(prefix):
                    set_option(options, name.removeprefix(prefix), deepcopy(value), name)
        return options

    def list_members(self, stage: str) -> dict[str, list[str]]:
        """Return group → the members that a stage takes, as params.yaml or its own file has it."""
        members = {}
        for entry in self._list_defaults(stage):
            for group, by_default in entry.items() if isinstance(entry, dict) else ():
                if not group.startswith("override "):
                    choice = self.choices.get(CHOSEN_BY.get(group, ""), by_default)
                    members[group] = split_names(choice)
        return members

    def read_members(self, stage: str, words: Sequence[str]) -> dict[str, list[str]] | None:
        """Read the members that the words of a stage name, as DVC types them.

        Returns:
            Group → its members; None where Hydra has to compose, as a word asks for something else
            or the stage is to be run in another way than in place.
        """
        shared, own = self._read("conf/stage.yaml"), self._read(f"conf/{stage}.yaml")
        if shared.get("hydra") != _IN_PLACE or "hydra" in own:
            return None
        members = self.list_members(stage)
        for word in words:
            group, _, value = word.partition("=")
            if group not in members or not re.fullmatch(r"\[[\w./,-]*\]|[\w./-]+", value):
                return None
            members[group] = split_names(value.strip("[]"))
        return members

    def _place_member(self, group: str, name: str, stage: str) -> dict[str, Any]:
        """Return the options of a member below its group's name, or below what its first line says.

        Raises:
            OptionError: It is not there, or one of several does not say where its options go.
        """
        options = self.read_file(group, name, stage)
        file, package = f"conf/{group}/{name}.yaml", SEVERAL.get(group, group)
        first = (self.root / file).read_text(encoding="utf-8").partition("\n")[0]
        header = first.removeprefix("# @package ").strip() if "# @package " in first else ""
        if group in SEVERAL and header.partition(".")[0] != package:
            raise refusal("base.unnamed_member", file, package=package, name=name)
        for part in reversed((header or group).split(".")):
            options = {part: options}
        return options

    def read_file(self, group: str, name: str, where: str = "") -> dict[str, Any]:
        """Return the options of one member of a group.

        Args:
            where: What the message of a file that is not there calls it.

        Raises:
            OptionError: There is no such file, or it cannot be read.
        """
        file = f"conf/{group}/{name}.yaml"
        if not (self.root / file).is_file():
            raise self._absent(group, name, where or ("sweep" if self.changes else "options"))
        values = deepcopy(self._read(file))
        if "defaults" in values and group not in _CHOICES:
            raise refusal("base.defaults_of_member", file)
        prefix = f"conf.{group}.{name}."
        for option, value in self.changes.items():
            if option.startswith(prefix):
                set_option(values, option.removeprefix(prefix), deepcopy(value), option)
        return values

    def read_own(self, stage: str) -> dict[str, dict[str, Any]]:
        """Return the values of a stage's config and of those that it takes along, as written.

        Raises:
            OptionError: A file cannot be read.
        """
        along = [each for each in self._list_defaults(stage) if isinstance(each, str)]
        files = [f"conf/{name}.yaml" for name in (stage, *along)]
        return {file: self._read(file) for file in files if (self.root / file).is_file()}

    def read_shared(self, name: str) -> dict[str, Any]:
        """Return the options of a file of `conf` beside the groups, such as `plan`, by themselves.

        Raises:
            OptionError: It cannot be read.
        """
        options: dict[str, Any] = with_choices(self._read(f"conf/{name}.yaml"), self.choices)
        options.pop("defaults", None)
        return options

    def _absent(self, group: str, name: str, where: str) -> OptionError:
        """Return the error of a config that is not there; it names the nearest one."""
        files = self.list_files(group)
        # what to do, such as of a name that other software has for a member
        others = read_declared("skiagram", "names_of_others.yaml").get(group, {})
        known = [*files, *["none"] * (group == "model")]
        remedy = others.get(name) or suggest(name, known, "choose one of these files")
        fault = f"no config conf/{group}/{name}.yaml"
        return OptionError(fault, where=where, allowed=listed(files, near=name), remedy=remedy)

    def list_files(self, group: str) -> list[str]:
        """Return the names of a group's configs, those in folders of it as `region/ct`."""
        folder = self.root / "conf" / group
        files = (path.relative_to(folder).with_suffix("") for path in folder.rglob("*.yaml"))
        return sorted(file.as_posix() for file in files)

    def find_option(self, address: str) -> str:
        """Return an option's whole name, as changes have it, for its address in a line or a sweep.

        Args:
            address: A choice of params.yaml (`seed`), `FILE.OPTION` of a config of any group
                (`svm.kernel`) or of a stage (`plan.subset`); a group before it where several have
                such a file (`features.covariates.columns`); `GROUP.OPTION` of the one file that
                params.yaml chooses of a group (`trainer.devices`). A whole name stays as it is.

        Raises:
            OptionError: There is no such choice, file or option; the message names the nearest one.
        """
        address = address.lstrip("+")  # as Hydra adds an option
        head, *rest = address.split(".")
        if address in self.choices:
            return address
        if head == "conf":
            return address
        places = self._find_files(head, rest)
        if not rest or not places:
            groups = [path.name for path in sorted((self.root / "conf").iterdir()) if path.is_dir()]
            names = [name for group in groups for name in self.list_files(group)]
            # a group's choices, an option without its file, or what is spelled like it
            near = [choice for choice, group in GROUPS.items() if group == head and not rest]
            near = near or self._find_owned(address)
            if not near:
                alike = nearest(head, [*self.choices, *(names if rest else ())])
                near = [".".join([each, *rest]) for each in alike]
            remedy = f"did you mean {' or '.join(f'`{each}`' for each in near)}?" if near else ""
            if head in groups and rest:
                remedy = f"name a file of conf/{head} in place of `{head}`"
            raise refusal(
                "base.unknown_address",
                address,
                kind_of_name="config" if rest else "choice",
                name=head,
                remedy=remedy,
            )
        # of several files of this name the one that has the option
        having = [each for each in places if each[2][0] in each[1]]
        if len(places) > 1 and len(having) != 1:
            names = [".".join([place.removeprefix("conf."), *rest]) for place, _, rest in places]
            raise refusal("base.several_files", address, name=head, files=names)
        (place, values, path), *_ = having or places
        _require_option(values, path, address, CLASS_OF_GROUP.get(place.split(".")[1]))
        return ".".join([place, *path])

    def _find_owned(self, option: str) -> list[str]:
        """Find an option that is named without its file: of a model, first of those of the run.

        Returns:
            Its address, or none.
        """
        models = self.list_files("model")
        chosen = [*split_names(self.choices["networks"]), *split_names(self.choices["baselines"])]
        for name in (*(each for each in chosen if each in models), *models):
            if owned := _list_called(option, self.read_file("model", name)):
                return [f"{name}.{owned[0]}"]
        return []

    def _find_files(
        self, head: str, rest: Sequence[str]
    ) -> list[tuple[str, dict[str, Any], list[str]]]:
        """Return the files that an address may mean: whole name, values, and the option there."""
        folders = [path.name for path in sorted((self.root / "conf").iterdir()) if path.is_dir()]
        if head in folders and len(rest) > 1 and rest[0] in self.list_files(head):
            return [(f"conf.{head}.{rest[0]}", self.read_file(head, rest[0]), [*rest[1:]])]
        if head in CHOSEN_BY and head not in SEVERAL:  # the one that is chosen
            [name] = split_names(self.choices[CHOSEN_BY[head]])[:1] or [""]
            if name in self.list_files(head):
                return [(f"conf.{head}.{name}", self.read_file(head, name), [*rest])]
        places = [
            (f"conf.{group}.{head}", self.read_file(group, head), [*rest])
            for group in folders
            if head in self.list_files(group)
        ]
        if (self.root / f"conf/{head}.yaml").is_file():  # of a stage, or that several take along
            values = deepcopy(self._read(f"conf/{head}.yaml"))
            values.pop("defaults", None)
            nested = {*values} == {head} and rest[:1] != [head]  # such as `plan` in conf/plan.yaml
            places.append((f"conf.{head}", values, [head, *rest] if nested else [*rest]))
        return places

    def list_overrides(self, stage: str, words: Sequence[str]) -> list[str]:
        """Return the overrides by which a stage takes what params.yaml chooses, before others.

        Args:
            words: Further overrides, which may name another member of a group.
        """
        from hydra.core.config_store import ConfigStore

        chosen = {word.key_or_group: str(word.value()) for word in parse_overrides(words)}
        words = [self._as_hydra_has_it(stage, word, chosen) for word in words]
        # Hydra finds the choices as the config `params`; words may change them
        ConfigStore.instance().store(name="params", package="params", node=dict(self.choices))
        choices = self.choices | self._choices_of_words(words)
        # the members that they name, each as overrides have it
        overrides = []
        for group in self.list_members(stage):
            if (choice := CHOSEN_BY.get(group)) in choices:
                names = [
                    name
                    if re.fullmatch(r"[\w./-]+", name)
                    else "'" + name.replace("'", "\\'") + "'"
                    for name in split_names(choices[choice])
                ]
                overrides.append(
                    f"{group}=[{','.join(names)}]"
                    if group in SEVERAL
                    else f"{group}={''.join(names[:1])}"
                )
        return [*overrides, *words]

    def _as_hydra_has_it(self, stage: str, word: str, chosen: Mapping[str, str]) -> str:
        """Write a word such as `svm.C=0.1` as Hydra has it; others stay as they are.

        An option that its file does not have is added, so that the class of the options says
        whether there is one, and which is the nearest.

        Args:
            chosen: What all words set, by name.

        Raises:
            OptionError: The stage does not read the file that the word names.
        """
        address, equals, value = word.partition("=")
        head, *rest = address.split(".")
        if not equals or not re.fullmatch(r"[\w.-]+", address) or head in ("params", "hydra"):
            return word
        groups, along = self.list_members(stage), self._list_defaults(stage)
        own = {*self._read(f"conf/{stage}.yaml"), *groups, *SEVERAL.values()}
        if head in own or head in along:
            return f"++{word}" if rest else word
        if head in _CHOICES:  # Hydra says that `+` adds it
            return word
        if not rest and head in self.choices:
            return word if head in CHOSEN_BY else f"params.{word}"
        _, group, name, *option = self.find_option(address).split(".")
        path = ".".join(option)
        if group in SEVERAL and group in groups:
            return f"++{SEVERAL[group]}.{name}.{path}={value}"
        by_default = {k: v for each in along if isinstance(each, dict) for k, v in each.items()}
        usual = self.choices.get(CHOSEN_BY.get(group, ""), by_default.get(group))
        if group not in groups or name not in split_names(chosen.get(group, usual)):
            remedy = f"add `{group}={name}`" if group in groups else "leave it out"
            raise refusal(
                "base.file_of_another_stage",
                word,
                stage=stage,
                group=group,
                name=name,
                groups=groups,
                remedy=remedy,
            )
        return f"++{group}.{path}={value}"

    def refuse_other_data(self, stage: str, words: Sequence[str]) -> None:
        """Refuse words that choose other data than those that earlier stages have prepared.

        Raises:
            OptionError: They change a choice, such as the data set, that the stage itself does not
                read: it would run on what the project holds.
        """
        for choice, value in self._choices_of_words(words).items():
            unread = choice in _OF_PREPARED_DATA and GROUPS[choice] not in self.list_members(stage)
            if unread and value != self.choices[choice] and stage not in _BEFORE_DATA:
                raise refusal(
                    "base.choice_of_hydra",
                    " ".join(words),
                    choice=choice,
                    value=value,
                    usual=self.choices[choice],
                    stage=stage,
                )

    def _choices_of_words(self, words: Sequence[str]) -> dict[str, Any]:
        """Return the choices of params.yaml that overrides change, by a file or one by one."""
        choices: dict[str, Any] = {}
        for word in parse_overrides(words):
            if word.key_or_group in _CHOICES:
                choices |= self.read_file(word.key_or_group, str(word.value())).get("params", {})
            name = word.key_or_group.removeprefix("params.")
            if name != word.key_or_group or name in self.choices.keys() - CHOSEN_BY.keys():
                choices[name] = word.value()
        return choices

    def read_values(self, config: "DictConfig") -> dict[str, Any]:
        """Return the plain values of what Hydra composed, with the choices they refer to."""
        from omegaconf import OmegaConf

        values: Any = OmegaConf.to_container(config, resolve=False)
        choices = values.pop("params", self.choices)
        values.pop("hydra", None)
        options: dict[str, Any] = with_choices(values, choices)
        return options

    def explain(self, error: Exception, stage: str, words: Sequence[str]) -> OptionError:
        """Return what Hydra could not compose, as an error that says where and what is allowed."""
        from hydra.errors import MissingConfigException, OverrideParseException

        # the first of the stage's configs that is no plain YAML
        if not isinstance(error, OverrideParseException):
            try:
                along = [f"conf/{each}.yaml" for each in self._list_defaults(stage)]
                files = [f"conf/{stage}.yaml", *along]
                for override in parse_overrides(self.list_overrides(stage, words)):
                    named = split_names(override.value())
                    files += [f"conf/{override.key_or_group}/{name}.yaml" for name in named]
                for file in files:
                    if (self.root / file).is_file():
                        read_option_file(self.root / file, file)
            except OptionError as fault:
                return fault
        # a config that is not there
        missing = error.missing_cfg_file if isinstance(error, MissingConfigException) else None
        if isinstance(missing, str):
            group = Path(missing).parent.as_posix()
            if self.list_files(group):  # else it is a file of Hydra's own
                return self._absent(group, Path(missing).name, stage)
        return OptionError(" ".join(str(error).split()), where=stage)

    def _read(self, file: str) -> dict[str, Any]:
        """Return the values of a config, read once; who changes them makes a copy."""
        if file not in self._files:
            self._files[file] = read_option_file(self.root / file, file)
        return self._files[file]

    def _list_defaults(self, stage: str) -> list[Any]:
        """Return what the config of a stage takes along."""
        file = f"conf/{stage}.yaml"
        defaults = self._read(file).get("defaults")
        if not isinstance(defaults, list):
            raise refusal("base.no_defaults", file)
        return defaults


def _require_option(
    values: Mapping[str, Any], path: Sequence[str], address: str, target: str | None
) -> None:
    """Refuse an option that neither its file nor the class that the file names has.

    Args:
        path: Of the option among the values.
        target: Class of a group whose files name none; None where there is none either.
    """
    parts = address.split(".")
    for depth, name in enumerate(path):
        target = str(values["_target_"]) if "_target_" in values else target
        # What the file has needs no look at its class, which may take a second to import.
        if name not in values:
            known = None if target is None else resolve(target, address)
            option_names = [*values] if known is None else list_options(known)
            if name not in option_names:
                whole = ".".join(parts[: len(parts) - len(path) + depth + 1])
                nested = _list_called(name, values)
                raise no_such_option(name, known, whole, option_names, nested)
        inner, target = values.get(name), None
        if not isinstance(inner, Mapping) or not inner:
            return
        values = inner


def _list_called(option: str, values: Mapping[str, Any]) -> list[str]:
    """List the options among values, however deep, whose address ends with that of one."""
    return [each for each in flatten_options(values) if f".{each}".endswith(f".{option}")]


def parse_overrides(words: Iterable[str]) -> list[Any]:
    """Return the overrides of Hydra that words are."""
    from hydra.core.override_parser.overrides_parser import OverridesParser

    return list(OverridesParser.create().parse_overrides([*words]))
