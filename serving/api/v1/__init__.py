"""Routes of Recast's own API: forecast, explain, models, health."""
