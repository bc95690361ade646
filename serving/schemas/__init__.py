"""Schemas of requests and responses.

forecast     forecasts, explanations, models, problems: pydantic
request      bodies of forecast and explain requests: msgspec; `sequence_requests`
sequences    models of discrete series and their answers: pydantic
timestamps   timestamps as JSON
"""
