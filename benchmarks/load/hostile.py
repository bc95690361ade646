"""Row: the cost of malformed request bodies beside a valid body of the same size."""

import sys
from collections.abc import Iterator
from statistics import median

from benchmarks.common.results import Result, Skipped, compare_costs
from benchmarks.load.services import Services
from benchmarks.load.targets import ROUTE, Target

BODY_BYTES = 4_000_000  # approximate size of each body
MAX_RATIO = 10.0  # to the cost of the valid body
INFER = ROUTE.replace("/v1/", "/v2/").replace("/forecast", "/infer")


def measure_hostile_bodies(services: Services) -> Iterator[Result | Skipped]:
    """Measure CPU seconds and memory of 4 MB of flaws, against a good body of 4 MB."""
    if sys.platform != "linux":
        yield Skipped("hostile", "peaks of memory are read from Linux's /proc")
        return
    with services.start_recast() as target:
        _cost(target, ROUTE, _valid_body())  # the first request allocates memory
        rounds = range(services.plan.rounds)
        valid = [_cost(target, ROUTE, _valid_body()) for _ in rounds]
        for name, (path, body) in _malformed_bodies().items():
            malformed = [_cost(target, path, body) for _ in rounds]
            runs = (len(malformed), len(valid))
            for position, unit in enumerate(("CPU s", "MB more")):
                ours = median(cost[position] for cost in malformed)
                theirs = median(cost[position] for cost in valid)
                yield compare_costs(
                    "hostile",
                    f"{BODY_BYTES / 1e6:.0f} MB of {name}",
                    "good body",
                    ours,
                    theirs,
                    unit,
                    goal=MAX_RATIO,
                    runs=runs,
                )


def _valid_body() -> bytes:
    values = ",".join(f"{100 + i % 97}.{i % 10}25" for i in range(BODY_BYTES // 8))
    return f'{{"series":[{{"id":"a","values":[{values}]}}]}}'.encode()


def _malformed_bodies() -> dict[str, tuple[str, bytes]]:
    ones = b",".join([b"1"] * (BODY_BYTES // 2))
    keys = b",".join(b'"k%d":1' % i for i in range(BODY_BYTES // 11))
    lists = b",".join([b"[]"] * (BODY_BYTES // 3))
    return {
        "numbers as series": (ROUTE, b'{"series":[%b]}' % ones),
        "levels": (ROUTE, b'{"levels":[%b]}' % ones),
        "unknown keys": (ROUTE, b"{%b}" % keys),
        "tensors": (INFER, b'{"inputs":[%b]}' % ones),
        "rows": ("/invocations", b'{"dataframe_records":[%b]}' % lists),
        "sizes": ("/v2/forecast", b'{"series":{"y":[1],"sizes":[%b]}}' % lists),
    }


def _cost(target: Target, path: str, body: bytes) -> tuple[float, float]:
    """Return the CPU seconds and the peak growth of memory, in MB, of a request.

    At least 0.01 s and 1 MB, the resolution of both.
    """
    cpu, memory = target.server.cpu(), target.server.memory()
    target.server.restart_peak()
    target.server.post(path, body)
    growth = target.server.peak() - memory
    return max(target.server.cpu() - cpu, 0.01), max(growth, 1.0)
