"""The web application of the process that serves: whether it lives, whether it is ready to work, how all stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse, Response

from ml_connector.web.metrics import CONTENT_TYPE


def create_app(
    problems: Callable[[], Sequence[str]], metrics: Callable[[], bytes], webhooks: APIRouter | None = None
) -> FastAPI:
    """``problems``: sentences on why nothing can be done at present; none: all is well.

    A system that is waited for is none: its flows go on by themselves. ``metrics``: the page that Prometheus reads.
    ``webhooks``: where Zoho's notifications come in, in the process that takes them.
    """
    app = FastAPI(title="ml-connector", openapi_url=None)  # its own pages would load scripts from elsewhere

    @app.get("/health/live")
    def live() -> JSONResponse:
        """The process answers."""
        return JSONResponse({"ok": True})

    @app.get("/health/ready")
    def ready() -> JSONResponse:
        """503: the database or the engine cannot be used."""
        found = list(problems())
        return JSONResponse({"ok": not found, "problems": found}, 503 if found else 200)

    @app.get("/metrics")
    def how_all_stands() -> Response:
        """In numbers; of a database that is away, what can be told without it."""
        return Response(metrics(), media_type=CONTENT_TYPE)

    if webhooks is not None:
        app.include_router(webhooks)
    return app
