"""HTTP concerns that all protocols share.

auth         API keys and rate limits
api_keys     creation and verification of keys
timeouts     deadlines of bodies and requests
middleware   request ids, the request log, body size limit, HEAD
validation   bodies to schemas, with the place of each flaw
problems     errors to RFC 9457 problem details
pages        the two HTML pages
"""
