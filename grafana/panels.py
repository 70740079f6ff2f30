"""The few kinds of panel that the dashboards are made of, with one look."""

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as dashboard_builders
from grafana_foundation_sdk.builders import nodegraph, prometheus, stat, table, timeseries
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

DATASOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
GREEN, YELLOW, RED = "green", "yellow", "red"


@dataclass(frozen=True, slots=True)
class Line:
    """One query of a panel.

    Attributes:
        expression: PromQL.
        legend: what each of its series is called, such as `{{service_name}}`.
    """

    expression: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """One value column of a table.

    Attributes:
        title: its heading.
        expression: PromQL, one series per row.
        unit: Grafana's name of the unit.
        warn, alarm: from where on a cell is yellow and red; None leaves it plain.
    """

    title: str
    expression: str
    unit: str
    warn: float | None = None
    alarm: float | None = None


def number(
    title: str,
    what: str,
    line: Line,
    unit: str,
    width: int,
    warn: float | None = None,
    alarm: float | None = None,
) -> stat.Panel:
    """Return one big number with its recent course, coloured only where a colour says something."""
    colour = common.BigValueColorMode.NONE if alarm is None else common.BigValueColorMode.VALUE
    return (
        stat.Panel()
        .title(title)
        .description(what)
        .datasource(DATASOURCE)
        .height(4)
        .span(width)
        .unit(unit)
        .graph_mode(common.BigValueGraphMode.AREA)
        .color_mode(colour)
        .text_mode(common.BigValueTextMode.VALUE)
        .reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]))
        .thresholds(_thresholds(warn, alarm))
        .with_target(_range_query(line, "A"))
    )


def lines(
    title: str,
    what: str,
    queries: Sequence[Line],
    unit: str,
    width: int,
    alarm: float | None = None,
) -> timeseries.Panel:
    """Return courses over time, the highest first in the legend; `alarm` draws a line at that height."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(what)
        .datasource(DATASOURCE)
        .height(8)
        .span(width)
        .unit(unit)
        .min(0)
        .line_width(1)
        .fill_opacity(8)
        .show_points(common.VisibilityMode.NEVER)
        .legend(_legend())
        .tooltip(_tooltip())
    )
    if alarm is not None:
        panel.thresholds(_thresholds(None, alarm)).thresholds_style(
            common_builders.GraphThresholdsStyleConfig().mode(common.GraphTresholdsStyleMode.DASHED)
        )
    for index, line in enumerate(queries):
        panel.with_target(_range_query(line, chr(ord("A") + index)))
    return panel


def rows_of(
    title: str,
    what: str,
    keys: Sequence[str],
    columns: Sequence[Column],
    width: int,
    height: int = 9,
) -> table.Panel:
    """Return a table with one row per combination of the labels `keys`, sorted by the first value column."""
    panel = (
        table.Panel()
        .title(title)
        .description(what)
        .datasource(DATASOURCE)
        .height(height)
        .span(width)
        .sort_by([common_builders.TableSortByFieldState().display_name(columns[0].title).desc(True)])
        .with_transformation(models.DataTransformerConfig(id_val="merge", options={}))
        .with_transformation(models.DataTransformerConfig(id_val="organize", options=_organised(keys, columns)))
    )
    for index, column in enumerate(columns):
        panel.with_target(_instant_query(column.expression, chr(ord("A") + index)))
        panel.override_by_name(column.title, _cell(column))
    return panel


def graph(title: str, what: str, nodes: str, edges: str, unit: str, width: int, height: int) -> nodegraph.Panel:
    """Return a graph of nodes and of edges between them, with a number at each.

    Args:
        nodes: PromQL whose series have the labels `id`, `title` and `mainstat`, the number.
        edges: likewise with `id`, `source`, `target` and `mainstat`.
        unit: Grafana's name of the numbers' unit.
    """
    return (
        nodegraph.Panel()
        .title(title)
        .description(what)
        .datasource(DATASOURCE)
        .height(height)
        .span(width)
        .unit(unit)
        .nodes(nodegraph.NodeOptions().main_stat_unit(unit))
        .edges(nodegraph.EdgeOptions().main_stat_unit(unit))
        .with_target(_instant_query(nodes, "nodes"))
        .with_target(_instant_query(edges, "edges"))
    )


def _range_query(line: Line, reference: str) -> prometheus.Dataquery:
    query = prometheus.Dataquery().expr(line.expression).legend_format(line.legend).ref_id(reference)
    return query.range().datasource(DATASOURCE)


def _instant_query(expression: str, reference: str) -> prometheus.Dataquery:
    query = prometheus.Dataquery().expr(expression).ref_id(reference).datasource(DATASOURCE)
    return query.instant().format(PromQueryFormat.TABLE)


def _organised(keys: Sequence[str], columns: Sequence[Column]) -> dict[str, object]:
    """Name and order the columns that merging gives: `Time`, the labels, `Value #A` and so on."""
    values = [f"Value #{chr(ord('A') + index)}" for index in range(len(columns))]
    # One query alone is not numbered.
    values = ["Value"] if len(columns) == 1 else values
    order = (*keys, *values)
    return {
        "excludeByName": {"Time": True},
        "indexByName": {name: index for index, name in enumerate(order)},
        "renameByName": {value: column.title for value, column in zip(values, columns, strict=True)},
    }


def _cell(column: Column) -> list[models.DynamicConfigValue]:
    properties = [models.DynamicConfigValue(id_val="unit", value=column.unit)]
    if column.alarm is not None:
        coloured = {"type": "color-text"}
        properties += [
            models.DynamicConfigValue(id_val="thresholds", value=_thresholds(column.warn, column.alarm).build()),
            models.DynamicConfigValue(id_val="custom.cellOptions", value=coloured),
        ]
    return properties


def _thresholds(warn: float | None, alarm: float | None) -> dashboard_builders.ThresholdsConfig:
    steps = [models.Threshold(value=None, color=GREEN)]
    if warn is not None:
        steps.append(models.Threshold(value=warn, color=YELLOW))
    if alarm is not None:
        steps.append(models.Threshold(value=alarm, color=RED))
    return dashboard_builders.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)


def _legend() -> common_builders.VizLegendOptions:
    return (
        common_builders.VizLegendOptions()
        .display_mode(common.LegendDisplayMode.TABLE)
        .placement(common.LegendPlacement.BOTTOM)
        .show_legend(True)
        .calcs(["lastNotNull", "max"])
        .sort_by("Max")
        .sort_desc(True)
    )


def _tooltip() -> common_builders.VizTooltipOptions:
    return common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING)
