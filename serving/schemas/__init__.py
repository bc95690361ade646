"""Schemas of requests and responses.

forecast     forecasts, explanations, models, problems: pydantic
request      bodies of forecast and explain requests: msgspec
timestamps   timestamps as JSON
"""
