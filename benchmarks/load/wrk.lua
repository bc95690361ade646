-- wrk -s wrk.lua URL -- BODY: posts the JSON in the file BODY, and prints one line of
-- JSON like that of `benchmarks.load.client`.
function init(args)
  local file = assert(io.open(args[1], "rb"))
  wrk.method, wrk.body = "POST", file:read("*a")
  wrk.headers["Content-Type"] = "application/json"
  file:close()
end

function done(summary, latency, requests)
  local errors = summary.errors
  local lost = errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format(
    '{"answered": %d, "failed": %d, "seconds": %.6f, "p50": %.4f, "p99": %.4f}\n',
    summary.requests - errors.status, errors.status + lost, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
