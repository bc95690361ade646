"""HTTP concerns that all protocols share.

auth         API keys and rate limits
origins      hosts that requests name, and origins of pages (CORS)
api_keys     creation and verification of keys
timeouts     deadlines of bodies and requests
middleware   request ids, the request log, body size limit, HEAD, front routes
decoding     bodies to structs, with the location of the flaw
validation   queries and headers
limits       bounds on series, steps and levels
locations    errors of the library to errors of a request
problems     errors to RFC 9457 problem details, or the inference protocol's
pages        the two HTML pages
"""
