"""The network of a run of a study, for files that others load."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sparsetune.app.ended import HasTrials, ended_run, kept
from sparsetune.base.errors import BadInput
from sparsetune.base.messages import OwnFile
from sparsetune.base.paths import WEIGHTS, Project, find_root, slug

if TYPE_CHECKING:
    from rich.console import Console

    from sparsetune.app.exported import ExportedFile, Order


@dataclass(frozen=True)
class TrialNetwork:
    """What a trial has trained.

    Attributes:
        branch: of a forked trial.
        seed: of a trial with several replicates.
    """

    result: HasTrials
    number: int
    branch: str = ""
    seed: int | None = None

    def export(
        self,
        path: str | os.PathLike[str],
        *,
        format: str | None = None,
        force: bool = False,
        whole: bool = False,
        imports: Iterable[str | os.PathLike[str]] = (),
        root: str | os.PathLike[str] | None = None,
        uri: str | None = None,
    ) -> ExportedFile:
        """Write it to a file that is loaded without SparseTune; its data have to be here, for their scale goes with it.

        Args:
            path: of the file, such as ``digits.onnx``; a file that is there is left as it is
            force: unless this is True.
            whole: with all neurons and channels; else those go that have no path, which changes no output.
            format: ``torch``, ``onnx`` or ``safetensors``; None: the one that the path ends as, else torch.
            imports: Python files of your own that its config needs.
            root: the project; else the nearest folder upward from here.
            uri: MLflow's tracking URI; else MLFLOW_TRACKING_URI, else the project's.

        Returns:
            What was written, with Python that loads it.

        Raises:
            BadInput: no such trial, no weights or data of it, a file that is there, a package that is missing, or a
                network that cannot be exported. Nothing is written then.
        """
        from sparsetune.app.exported import Order
        from sparsetune.base.layout.console import open_console
        from sparsetune.base.stores.tracking_uri import tracking_uri
        from sparsetune.config.own import read_own

        project = Project(find_root(Path(root).expanduser() if root else Path.cwd()))
        own = read_own([os.fspath(each) for each in imports], Path(), "")
        console = open_console(stderr=True, quiet=True)
        where = tracking_uri(uri) or project.tracking_uri
        order = Order(Path(path).expanduser(), format, force, whole)
        return self.written(order, uri=where, project=project, own=own, console=console)

    def written(
        self, order: Order, *, uri: str, project: Project | None, own: tuple[OwnFile, ...], console: Console
    ) -> ExportedFile:
        """The same for a command."""
        from sparsetune.app import parts
        from sparsetune.app.exported import Source, Target, export
        from sparsetune.app.logged import Trained, describe
        from sparsetune.config.overrides import assign

        result, number = self.result, self.number
        of = f"trial {number} of study {result.name!r}"
        _, run = ended_run(result, number, self.branch, self.seed, "network")
        config = assign(result.config(number, self.branch), {"seed": run.key.seed})
        trained = Trained(result.trial(number, self.branch), run, config)
        target = Target.of(order, slug(f"{result.name} {trained.run_key.name}"))
        with tempfile.TemporaryDirectory(prefix="sparsetune-") as folder:
            left = kept(result, number, self.branch, self.seed, uri, project, Path(folder), WEIGHTS, "network")
            if left.path is None:
                raise BadInput("its weights are gone", source=of, code="missing")
            says, split = describe(result.name, trained), run.notes.get("split", "")
            source = Source(of, says, config, left.path, split)
            return export(source, target, parts.registries(own), project, console)
