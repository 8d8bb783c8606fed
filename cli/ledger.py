"""The ledger that commands look at: the one under the home that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..tracing.ledger import Ledger


def open_ledger() -> Ledger:
    """The ledger of `PILOTFISH_HOME`."""
    from ..models.settings import load_settings
    from ..tracing.ledger import Ledger

    settings = load_settings()
    return Ledger(settings.home / "ledger.db", keep_content=settings.keep_content)
