"""Services with a constant answer."""

import json

from benchmarks.load.servers import running
from benchmarks.load.services import FAST_OPTIONS, UVICORN
from benchmarks.load.targets import forecast_body


def test_all_constant_services_send_the_same_answer(tmp_path, answer, constant):
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(answer))
    command = (*UVICORN, *FAST_OPTIONS, "benchmarks.load.constant:raw")
    environment = {"CONSTANT_ANSWER": str(path)}

    with running(command, "/", tmp_path, environment) as raw:
        responses = [
            server.post(route, forecast_body(1))
            for server, route in (
                (constant, "/plain"),
                (constant, "/typed"),
                (raw, "/"),
            )
        ]

    assert [status for status, _ in responses] == [200] * 3
    assert [json.loads(body) for _, body in responses] == [answer] * 3
