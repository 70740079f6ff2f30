"""Asks Prometheus and Alertmanager, and draws the summary: in place on a terminal, at intervals elsewhere."""

import math
import shutil
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

import requests

from quickstart.summary import Answers, Firing, Sample, lines, queries, rows

_TIMEOUT_SECONDS = 3.0
_PRINTED_WIDTH = 120
_PRINTED_HEIGHT = 60


class AnswerError(Exception):
    """Prometheus or Alertmanager does not answer, or not sensibly."""


class Source:
    """Reads the answers; what cannot be read is empty until it can."""

    def __init__(self, prometheus: str, alertmanager: str, rate_window: str) -> None:
        """Take the two addresses."""
        self._prometheus = prometheus
        self._alertmanager = alertmanager
        self._queries = queries(rate_window)
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy does not lead to loopback

    def answers(self) -> Answers:
        """Return everything the summary needs.

        Raises:
            AnswerError: one of them does not answer, or not sensibly.
        """
        try:
            found: Mapping[str, Any] = {name: self._vector(query) for name, query in self._queries.items()}
            return Answers(**found, firing=self._firing())
        except (requests.RequestException, LookupError, TypeError, ValueError, AttributeError) as error:
            raise AnswerError(str(error)) from error

    def _vector(self, query: str) -> tuple[Sample, ...]:
        answer = self._get(f"{self._prometheus}/api/v1/query", {"query": query})
        return tuple(Sample(one["metric"], float(one["value"][1])) for one in answer["data"]["result"])

    def _firing(self) -> tuple[Firing, ...]:
        alerts = self._get(f"{self._alertmanager}/api/v2/alerts", {"active": "true", "silenced": "false"})
        return tuple(
            Firing(
                one["labels"].get("alertname", ""),
                one["labels"].get("severity", ""),
                one["annotations"].get("summary", ""),
            )
            for one in alerts
        )

    def _get(self, url: str, parameters: Mapping[str, str]) -> Any:
        response = self._session.get(url, params=dict(parameters), timeout=_TIMEOUT_SECONDS)
        response.raise_for_status()
        return response.json()


class Screen:
    """Draws lines over the last ones on a terminal; elsewhere prints them at intervals, and for a new server."""

    def __init__(self, output: TextIO, every_seconds: float) -> None:
        """Draw on `output`."""
        self._output = output
        self._every_seconds = every_seconds
        self._terminal = output.isatty()
        self._drawn = 0
        self._next = -math.inf
        self._told: frozenset[tuple[str, str]] = frozenset()

    def show(self, answers: Answers, now: float) -> None:
        """Draw the summary as of monotonic time `now`; an empty one is only worth a terminal's refresh."""
        columns, height = shutil.get_terminal_size()
        if self._terminal:
            self._redraw(lines(answers, columns - 1, height - 1))
            return
        serving = frozenset((row.service, row.protocol) for row in rows(answers) if row.protocol)
        if (now >= self._next and answers.memory) or not serving <= self._told:
            self._next = now + self._every_seconds
            self._told = serving
            self._print(lines(answers, _PRINTED_WIDTH, _PRINTED_HEIGHT))

    def _redraw(self, fresh: Sequence[str]) -> None:
        if self._drawn:
            self._output.write(f"\x1b[{self._drawn}F\x1b[J")  # up to the first line, clear from there
        self._drawn = len(fresh)
        self._print(fresh)

    def _print(self, fresh: Sequence[str]) -> None:
        self._output.write("".join(f"{line}\n" for line in fresh))
        self._output.flush()
