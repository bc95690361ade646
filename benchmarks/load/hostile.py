"""Row: what a body of flaws costs the service, beside a good one of its size."""

import sys
from collections.abc import Iterator
from statistics import median

from benchmarks.common.results import Result, Skipped, bounded
from benchmarks.load.stage import Stage
from benchmarks.load.targets import ROUTE, Target

BYTES = 4_000_000  # of each body, about
MOST = 10.0  # times what the good one costs
INFER = ROUTE.replace("/v1/", "/v2/").replace("/forecast", "/infer")


def hostile(stage: Stage) -> Iterator[Result | Skipped]:
    """CPU seconds and memory of 4 MB of flaws, against a good body of 4 MB."""
    if sys.platform != "linux":
        yield Skipped("hostile", "peaks of memory are read from Linux's /proc")
        return
    with stage.start_recast() as target:
        _cost(target, ROUTE, _good())  # the first one has memory to fetch
        fair = [_cost(target, ROUTE, _good()) for _ in range(stage.plan.rounds)]
        for name, (path, body) in _flawed().items():
            found = [_cost(target, path, body) for _ in range(stage.plan.rounds)]
            runs = (len(found), len(fair))
            for place, unit in enumerate(("CPU s", "MB more")):
                ours = median(each[place] for each in found)
                theirs = median(each[place] for each in fair)
                yield bounded(
                    "hostile",
                    f"{BYTES / 1e6:.0f} MB of {name}",
                    "good body",
                    ours,
                    theirs,
                    unit,
                    goal=MOST,
                    runs=runs,
                )


def _good() -> bytes:
    values = ",".join(f"{100 + i % 97}.{i % 10}25" for i in range(BYTES // 8))
    return f'{{"series":[{{"id":"a","values":[{values}]}}]}}'.encode()


def _flawed() -> dict[str, tuple[str, bytes]]:
    ones = b",".join([b"1"] * (BYTES // 2))
    keys = b",".join(b'"k%d":1' % i for i in range(BYTES // 11))
    lists = b",".join([b"[]"] * (BYTES // 3))
    return {
        "numbers as series": (ROUTE, b'{"series":[%b]}' % ones),
        "levels": (ROUTE, b'{"levels":[%b]}' % ones),
        "unknown keys": (ROUTE, b"{%b}" % keys),
        "tensors": (INFER, b'{"inputs":[%b]}' % ones),
        "rows": ("/invocations", b'{"dataframe_records":[%b]}' % lists),
        "sizes": ("/v2/forecast", b'{"series":{"y":[1],"sizes":[%b]}}' % lists),
    }


def _cost(target: Target, path: str, body: bytes) -> tuple[float, float]:
    """Return the CPU seconds and the megabytes that a request took."""
    cpu, held = target.server.cpu(), target.server.memory()
    target.server.restart_peak()
    target.server.post(path, body)
    more = target.server.peak() - held
    return max(target.server.cpu() - cpu, 0.01), max(more, 1.0)
