"""The routes that the public ``nixtla`` Python client calls, answered by our models.

An independent implementation of that client's wire format, read from its source
(version 0.9); nothing here comes from Nixtla or is endorsed by it. docs/clients.md says
what each call means here.
"""
