"""Pydantic schemas of requests and answers.

forecast     forecasts, explanations, models, problems
series       observations as clients send them
timestamps   timestamps as clients read them
"""
