"""The charts of a run, as plotly figures in plain dicts. Pure.

All charts over time share one axis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import ceil
from statistics import median

from stampede.facts.run_json import Facts
from stampede.report import formatting, series
from stampede.report.annotations import marks
from stampede.report.drawing import Chart, Trace, chart, level, line, stacked
from stampede.report.routes_over_time import distribution
from stampede.report.series import Axis, Column, Role, Row

OF_ROUTES = ("throughput", "latency")
"""Charts over time that can show a single route. The distribution of the times can too, and follows them."""

LOG_FROM = 40
"""Where the highest value is this many times the median, the axis is logarithmic: the line would be flat."""

MOST_DOTS = 400
"""Seconds that are drawn in the scatter chart; of a longer run, every second or third one and so on."""

MOST_WORKERS = 4
"""Workers with a line of their own; for more workers, only the median and the maximum are drawn."""

SHADES = {
    "2": ("green", "green2", "green3"),
    "3": ("blue", "blue2"),
    "4": ("amber", "amber2", "amber3", "amber4"),
    "5": ("red", "red2", "red3"),
    "0": ("violet",),
}
ROLES = {"api": "blue", "postgres": "green", "master": "violet"}
WORKERS = ("amber", "amber3", "red2", "amber4")
WAITS = {"Lock": ("amber", "amber4"), "IO": ("blue", "blue2"), "LWLock": ("violet", "red2")}
STATES = {"active": "blue", "idle in transaction": "amber", "idle": "grey"}


def charts(run: Facts) -> list[Chart]:
    """Return the charts of a run, without those that the run has no figures for."""
    axis = series.axis(run)
    if axis is None:
        return []
    over_time = [drawn for draw in OVER_TIME if (drawn := draw(run, axis))]
    common = marks(run, axis)
    for drawn in over_time:
        drawn.figure["layout"].update(common)
    of_routes = [drawn for drawn in over_time if drawn.id in OF_ROUTES]
    others = [drawn for drawn in over_time if drawn.id not in OF_ROUTES]
    return [drawn for drawn in (*of_routes, distribution(run), *others, _latency_throughput(run)) if drawn]


def _throughput(run: Facts, axis: Axis) -> Chart | None:
    rows = run.seconds
    traces = [
        line(axis, series.rate(rows, axis, "requests"), "requests", "blue", fill="tozeroy"),
        line(axis, series.rate(rows, axis, "failures"), "failures", "red"),
    ]
    if run.pace and run.pace.wanted_rps:
        traces.append(level(axis, run.pace.wanted_rps, "planned rate", "grey"))
    return chart(
        axis,
        "throughput",
        "Requests and failures",
        "per second",
        traces,
        _span(run, "requests", "requests/s"),
    )


def _traces(
    figures: Callable[[Iterable[Row], Axis, str], Column],
    rows: Sequence[Row],
    axis: Axis,
    lines: Iterable[tuple[str, str, str, str]],
) -> list[Trace]:
    """Return a trace for each of `lines`: the key of a figure, its name, colour and dash."""
    return [
        line(axis, figures(rows, axis, key), name, colour, dash=dash) for key, name, colour, dash in lines
    ]


def _latency(run: Facts, axis: Axis) -> Chart | None:
    rows = run.seconds
    lines = (
        ("p50_ms", "p50", "green", "solid"),
        ("p95_ms", "p95", "blue", "solid"),
        ("p99_ms", "p99", "amber", "solid"),
        ("from_start_p99_ms", "p99 from start", "red", "dot"),
    )
    traces = _traces(series.column, rows, axis, lines)
    says = _span(run, "p99_ms", "ms in the p99 of a second")
    drawn = chart(axis, "latency", "Response times", "ms", traces, says)
    known = [value for trace in traces for value in trace["y"] if value]
    if drawn and known and max(known) > LOG_FROM * median(known):
        drawn.figure["layout"]["yaxis"] |= {"type": "log", "rangemode": "normal", "dtick": 1}
        return drawn._replace(unit="ms, on a logarithmic scale")
    return drawn


def _users(run: Facts, axis: Axis) -> Chart | None:
    rows = run.seconds
    traces = [
        line(axis, series.column(rows, axis, "users"), "users", "violet", fill="tozeroy", step=True),
        line(axis, series.column(rows, axis, "workers"), "workers", "amber", step=True, second=True),
    ]
    if run.shape:
        wanted = series.column(rows, axis, "target_users")
        traces.append(line(axis, wanted, f"shape {run.shape}", "grey", dash="dash", step=True))
    drawn = chart(axis, "users", "Users", "workers: scale on the right", traces, _span(run, "users", "users"))
    if drawn:  # The workers' line stays in the middle: at the top it would hide the users' line.
        most = 2 * max(1, *series.values(rows, "workers"))
        drawn.figure["layout"]["yaxis2"] |= {"range": [0, most], "dtick": max(1, most // 4)}
    return drawn


def _outcomes(run: Facts, axis: Axis) -> Chart | None:
    rows = run.seconds
    statuses = sorted(series.keys(rows, "outcomes"), key=lambda status: (status == "0", status))
    traces = [
        stacked(
            axis,
            series.part_per_second(rows, axis, "outcomes", status),
            "no answer" if status == "0" else status,
            _shade(status, statuses),
        )
        for status in statuses
    ]
    totals = (sum(row.outcomes.get(status, 0) for row in rows) for status in statuses)
    says = ", ".join(
        f"{trace['name']}: {formatting.number(total)}" for trace, total in zip(traces, totals, strict=True)
    )
    return chart(axis, "outcomes", "Outcomes by status", "per second", traces, says)


def _shade(status: str, statuses: Sequence[str]) -> str:
    """Return a shade of the colour of the status's class, such as green for 2xx."""
    same_class = [other for other in statuses if other[:1] == status[:1]]
    return _nth_colour(SHADES, status[:1], same_class.index(status))


def _nth_colour(colours: Mapping[str, Sequence[str]], name: str, place: int) -> str:
    """Return the colour of the nth entry of a class; grey for an unknown class."""
    shades = colours.get(name, ("grey",))
    return shades[place % len(shades)]


def _cpu(run: Facts, axis: Axis) -> Chart | None:
    return _by_role(run, axis, "cpu", "CPU by role", "% of one core", "cpu_percent")


def _memory(run: Facts, axis: Axis) -> Chart | None:
    return _by_role(run, axis, "memory", "Memory by role", "MB", "memory_mb")


def _by_role(run: Facts, axis: Axis, key: str, title: str, unit: str, figure: str) -> Chart | None:
    roles = list(series.roles(run))
    traces = [
        line(axis, series.sampled(role.rows, axis, figure), role.name, ROLES[role.key])
        for role in roles
        if role.key in ROLES
    ]
    traces += _worker_lines(axis, [role for role in roles if role.key == "worker"], figure)
    says = "; ".join(
        f"{role.name} {formatting.number(series.mean(series.in_window(run, role.rows), figure))}"
        for role in roles
    )
    return chart(axis, key, title, unit, traces, f"on average, in {unit}: {says}")


def _worker_lines(axis: Axis, workers: Sequence[Role], figure: str) -> list[Trace]:
    """Return a line for each worker; where there are more than MOST_WORKERS, their median and maximum."""
    columns = [series.sampled(role.rows, axis, figure) for role in workers]
    if len(columns) <= MOST_WORKERS:
        return [
            line(axis, values, role.name, WORKERS[place])
            for place, (role, values) in enumerate(zip(workers, columns, strict=True))
        ]
    known = [[value for value in row if value is not None] for row in zip(*columns, strict=True)]
    medians: Column = [median(values) if values else None for values in known]
    maxima: Column = [max(values) if values else None for values in known]
    count = formatting.count(len(columns), "worker")
    return [
        line(axis, medians, f"median of {count}", "amber"),
        line(axis, maxima, "the busiest worker", "amber4", dash="dot"),
    ]


def _connections(run: Facts, axis: Axis) -> Chart | None:
    rows = run.samples.postgres
    names = series.keys(rows, "connections")
    traces = [
        stacked(
            axis,
            series.bridged(series.part(rows, axis, "connections", name)),
            name,
            STATES.get(name, "violet"),
        )
        for name in sorted(names, key=lambda name: [*STATES, name].index(name))
    ]
    most = max(series.values(rows, "max_connections"), default=None)
    says = f"limit {formatting.number(most)}" if most else ""
    return chart(axis, "connections", "Database connections", says or "by state", traces, says)


def _waits(run: Facts, axis: Axis) -> Chart | None:
    rows = run.samples.postgres
    names = [name for name in series.keys(rows, "waits") if not name.startswith(("Client:", "Activity:"))]
    traces = [
        stacked(
            axis,
            series.bridged(series.part(rows, axis, "waits", name)),
            name,
            _nth_colour(WAITS, name.partition(":")[0], place),
        )
        for place, name in enumerate(names)
    ]
    return chart(axis, "waits", "Waits of database sessions", "sessions", traces, ", ".join(names))


def _transactions(run: Facts, axis: Axis) -> Chart | None:
    rows = run.samples.postgres
    lines = (
        ("commits", "commits", "green"),
        ("rollbacks", "rollbacks", "amber"),
        ("locks_waiting", "locks waiting", "red"),
    )
    traces = [line(axis, series.sampled(rows, axis, key), name, colour) for key, name, colour in lines]
    return chart(axis, "transactions", "Transactions", "per second", traces, "")


def _inside_api(run: Facts, axis: Axis) -> Chart | None:
    rows = run.samples.api
    lines = (
        ("in_flight", "requests in progress", "blue", "solid"),
        ("waiting", "waiting in the queue", "red", "solid"),
        ("pool_in_use", "database connections in use", "green", "solid"),
        ("pool_size", "database connections", "grey", "dot"),
    )
    traces = _traces(series.sampled, rows, axis, lines)
    return chart(axis, "inside", "Inside the API", "requests, connections", traces, "")


def _lag(run: Facts, axis: Axis) -> Chart | None:
    """Return the chart of how late the greenlets of master and workers woke."""
    generators = [role for role in series.roles(run) if role.key in ("master", "worker")]
    roles = [role for role in generators if series.values(role.rows, "hub_lag_ms")]
    traces = [
        line(axis, series.sampled(role.rows, axis, "hub_lag_ms"), role.name, ROLES["master"])
        for role in roles
        if role.key == "master"
    ]
    traces += _worker_lines(axis, [role for role in roles if role.key == "worker"], "hub_lag_ms")
    return chart(
        axis, "lag", "Delay of the load generator", "ms, longest of each second", traces, "by its own clock"
    )


def _cores(run: Facts, axis: Axis) -> Chart | None:
    """Return the chart of the speed of the workers' cores: other load on the machine slows them down."""
    rows = series.same_work(run)
    traces = [line(axis, series.sampled(rows, axis, "same_work_ms"), "the same work", "violet")]
    known = series.values(series.in_window(run, rows), "same_work_ms")
    says = f"{formatting.number(min(known))} to {formatting.number(max(known))} ms" if known else ""
    return chart(
        axis, "cores", "Speed of the cores", "ms of CPU for the same work; more is slower", traces, says
    )


def _latency_throughput(run: Facts) -> Chart | None:
    """Return a scatter chart of times and throughput, a point for each second.

    At the API's limit, times rise and throughput does not.
    """
    rows = [row for row in run.seconds if row.p95_ms is not None and row.requests]
    if not rows:
        return None
    rows = rows[:: ceil(len(rows) / MOST_DOTS)]
    inside = {row.second for row in series.in_window(run, rows)}
    trace = {
        "type": "scatter",
        "mode": "markers",
        "name": "a second",
        "cliponaxis": False,
        "x": [round(row.requests / row.seconds, 1) for row in rows],
        "y": [row.p95_ms for row in rows],
        "customdata": [[formatting.clock(row.second), row.users] for row in rows],
        "hovertemplate": "%{x} requests/s, p95 %{y} ms<br>%{customdata[0]}, %{customdata[1]} users"
        "<extra></extra>",
        "marker": {
            "size": 7,
            "opacity": 0.75,
            "symbol": ["circle" if row.second in inside else "circle-open" for row in rows],
            "color": [row.users for row in rows],
            "colorscale": "users",
            "cmin": 0,
            "showscale": len({row.users for row in rows}) > 1,
            "colorbar": {"title": {"text": "users", "side": "right"}, "thickness": 10, "outlinewidth": 0},
        },
    }
    layout = {
        "hovermode": "closest",
        "showlegend": False,
        "xaxis": {"title": {"text": "requests per second"}, "rangemode": "tozero"},
        "yaxis": {"title": {"text": "p95, ms"}, "rangemode": "tozero"},
    }
    seconds = formatting.count(len(rows), "second")
    says = f"{seconds}, each a point: requests per second and the p95 of their times"
    figure = {"data": [trace], "layout": layout}
    unit = "one point per second; hollow: outside the window"
    return Chart("latency-throughput", "Response times against throughput", unit, says, figure)


OVER_TIME = (
    *(_throughput, _latency, _users, _outcomes, _cpu, _memory, _inside_api),
    *(_connections, _waits, _transactions, _lag, _cores),
)


def _span(run: Facts, name: str, what: str) -> str:
    """Return the range and the median of a figure, for readers who cannot see the chart."""
    rows = series.in_window(run, run.seconds)
    known = series.values(rows, name)
    if name == "requests":
        known = [row.requests / row.seconds for row in rows]
    if not known:
        return ""
    least, middle, most = map(formatting.number, (min(known), median(known), max(known)))
    return f"{least} to {most} {what}, median {middle}"
