"""HTTP concerns that all protocols share.

auth         API keys and rate limits
api_keys     creation and verification of keys
timeouts     deadlines of bodies and requests
middleware   request ids, the request log, body size limit, HEAD, front routes
decoding     bodies to structs, with the location of the flaw
validation   queries and headers
problems     errors to RFC 9457 problem details
pages        the two HTML pages
"""
