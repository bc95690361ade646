"""Pydantic schemas of requests and responses.

forecast     forecasts, explanations, models, problems
series       observations as clients send them
timestamps   timestamps as JSON
"""
