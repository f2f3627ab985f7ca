"""The price list's file, read again when it changes: prices do, and the operator stays."""

import asyncio
import logging
from pathlib import Path

import yaml
from pydantic import ValidationError

from llmtrain_api.faults import describe_faults
from llmtrain_lifecycle.money.prices import Prices

log = logging.getLogger(__name__)
_LOOK_SECONDS = 5.0


class PriceList:
    """The prices that hold now.

    Args:
        path: of the YAML file; None where there are no prices.
    """

    def __init__(self, path: Path | None) -> None:
        self._path, self._text, self.prices = path, "", Prices()
        self.look()

    def look(self) -> None:
        """Read the file if it has changed; where it is wrong, the prices stay as they are."""
        if self._path is None:
            return
        try:
            text = self._path.read_text(encoding="utf-8")
            if text == self._text:
                return
            self._text = text
            self.prices = Prices.model_validate(yaml.safe_load(text) or {})
        except ValidationError as error:
            faults = "; ".join(describe_faults(error, Prices))
            log.error("%s: %s; the old prices stay", self._path, faults)  # noqa: TRY400 - no bug of ours
        except (OSError, yaml.YAMLError) as error:
            log.error("%s: %s; the old prices stay", self._path, error)  # noqa: TRY400 - no bug of ours
        else:
            log.info("%s: new prices", self._path)

    async def keep_up(self) -> None:
        """Look now and then, for ever."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            self.look()
