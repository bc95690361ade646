"""Request forecasts from a running service: python examples/call_api.py [URL [MODEL]].

Start the service with `recast serve`. Only the standard library is needed.
"""

import json
import sys
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

URL = "http://127.0.0.1:8000"


def call(url, body=None):
    """Return the service's answer; exit with its message when it refuses."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data, {"Content-Type": "application/json"})
    try:
        with urlopen(request, timeout=30) as response:
            return json.load(response)
    except HTTPError as error:
        sys.exit(json.load(error)["detail"])
    except URLError as error:
        sys.exit(f"{url} does not answer: {error.reason}. Start it with: recast serve")


def main(url=URL, name=None):
    models = call(f"{url}/v1/models")["models"]
    if not models:
        sys.exit("No model is served yet. Train one: recast train FILE.csv")
    model = call(f"{url}/v1/models/{quote(name or models[0]['name'], safe='')}")
    route = f"{url}/v1/models/{quote(model['name'], safe='')}/forecast"

    # 1. Continue the training series.
    answer = call(route, {"levels": [80]})
    version = answer["model"]["version"]
    print(f"{model['name']}, version {version}, trained until {model['trained_until']}")
    for forecast in answer["forecasts"][:3]:
        interval = forecast["intervals"]["80"]
        steps = zip(
            forecast["timestamps"],
            forecast["point"],
            interval["lower"],
            interval["upper"],
            strict=True,
        )
        print(forecast["id"])
        for timestamp, point, lower, upper in steps:
            print(f"  {timestamp}  {point:10.4g}   80 %: {lower:.4g} to {upper:.4g}")

    # 2. Forecast new observations, at least seq_len of them; here the training series.
    values = model["context"][0]["values"]
    body = {"series": [{"id": "mine", "values": values}], "horizon": 1}
    point = call(route, body)["forecasts"][0]["point"][0]
    print(f"after {len(values)} values of my own: {point:.4g}")


if __name__ == "__main__":
    main(*sys.argv[1:])
